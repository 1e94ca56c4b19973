namespace Souk.OpenAi.Templates;

/// <summary>Walks over the tokens of a template.</summary>
internal sealed class TokenReader(List<Token> tokens)
{
    private int _at;

    internal Token Current => tokens[_at];

    internal Token Next => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    internal int Line => Current.Line;

    internal Token Take()
    {
        var token = Current;
        if (token.Kind != TokenKind.End)
        {
            _at++;
        }

        return token;
    }

    internal bool TryTakeOperator(string value)
    {
        if (!Current.IsOperator(value))
        {
            return false;
        }

        Take();
        return true;
    }

    internal bool TryTakeName(string value)
    {
        if (!Current.IsName(value))
        {
            return false;
        }

        Take();
        return true;
    }

    internal void RequireOperator(string value)
    {
        if (!TryTakeOperator(value))
        {
            throw Unexpected($"where '{value}' belongs");
        }
    }

    internal string RequireName() =>
        Current.Kind == TokenKind.Name ? Take().Value : throw Unexpected("where a name belongs");

    internal void Require(TokenKind kind)
    {
        if (Take().Kind != kind)
        {
            throw Unexpected("where the tag should end");
        }
    }

    internal TemplateRefusal Unexpected(string where) =>
        new(Current.Kind is TokenKind.Name or TokenKind.Operator or TokenKind.Text or TokenKind.Integer
            ? $"'{(Current.Value.Length <= 40 ? Current.Value : Current.Value[..40])}' {where}"
            : $"{Current.Kind} {where}", Line);
}
