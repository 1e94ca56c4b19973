namespace Souk.OpenAi.Templates;

internal enum TokenKind
{
    /// <summary>Text outside of tags.</summary>
    Data,
    OutputBegin,
    OutputEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Text,
    Integer,
    Real,
    Operator,
    End,
}

internal readonly record struct Token(TokenKind Kind, string Value, int Line)
{
    internal bool IsOperator(string value) => Kind == TokenKind.Operator && Value == value;

    internal bool IsName(string value) => Kind == TokenKind.Name && Value == value;
}
