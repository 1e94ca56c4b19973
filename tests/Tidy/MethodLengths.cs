using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Souk.Tidy;

/// <summary>How long each method is: from its name to its closing brace, in lines.</summary>
internal static class MethodLengths
{
    /// <summary>Methods, constructors, operators, accessors and local functions of a C# file.</summary>
    public static IEnumerable<(string Name, int Line, int Lines)> OfCSharp(string code)
    {
        var tree = CSharpSyntaxTree.ParseText(code, new CSharpParseOptions(LanguageVersion.Preview));
        var root = tree.GetCompilationUnitRoot();
        foreach (var node in root.DescendantNodes())
        {
            SyntaxToken? name = node switch
            {
                MethodDeclarationSyntax method => method.Identifier,
                ConstructorDeclarationSyntax constructor => constructor.Identifier,
                DestructorDeclarationSyntax destructor => destructor.Identifier,
                OperatorDeclarationSyntax @operator => @operator.OperatorToken,
                ConversionOperatorDeclarationSyntax conversion => conversion.OperatorKeyword,
                AccessorDeclarationSyntax accessor => accessor.Keyword,
                LocalFunctionStatementSyntax local => local.Identifier,
                _ => null,
            };
            if (name is { } token)
            {
                var first = LineOf(tree, token.SpanStart);
                yield return (token.Text, first, LineOf(tree, node.Span.End) - first + 1);
            }
        }

        var statements = root.Members.OfType<GlobalStatementSyntax>()
            .Where(s => s.Statement is not LocalFunctionStatementSyntax).ToList();
        if (statements.Count > 0)
        {
            var first = LineOf(tree, statements[0].SpanStart);
            yield return ("top level", first, LineOf(tree, statements[^1].Span.End) - first + 1);
        }
    }

    /// <summary>Functions, constructors and modifiers of a Solidity file.</summary>
    public static IEnumerable<(string Name, int Line, int Lines)> OfSolidity(string code)
    {
        var lines = SolidityText.WithoutCommentsAndStrings(code).Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var words = lines[i].Trim().Split([' ', '('], 3, StringSplitOptions.RemoveEmptyEntries);
            if (words is ["function" or "constructor" or "modifier" or "receive" or "fallback", ..])
            {
                yield return (words.Length > 1 ? words[1] : words[0], i + 1, LinesToEnd(lines, i));
            }
        }
    }

    private static int LinesToEnd(string[] lines, int start)
    {
        var depth = 0;
        for (var i = start; i < lines.Length; i++)
        {
            foreach (var c in lines[i])
            {
                depth += c == '{' ? 1 : c == '}' ? -1 : 0;
                if ((c == '}' && depth == 0) || (c == ';' && depth == 0))
                {
                    return i - start + 1;
                }
            }
        }

        return lines.Length - start;
    }

    private static int LineOf(SyntaxTree tree, int position) =>
        tree.GetLineSpan(new(position, 0)).StartLinePosition.Line + 1;
}

/// <summary>Blanks out what is no code in Solidity, keeping every line where it is.</summary>
internal static class SolidityText
{
    public static string WithoutCommentsAndStrings(string code)
    {
        var text = code.ToCharArray();
        for (var i = 0; i < text.Length; i++)
        {
            var end = (text[i], i + 1 < text.Length ? text[i + 1] : ' ') switch
            {
                ('/', '/') => code.IndexOf('\n', i),
                ('/', '*') => After(code.IndexOf("*/", i + 2, StringComparison.Ordinal), 2),
                ('"' or '\'', _) => After(ClosingQuote(code, i), 1),
                _ => i,
            };
            end = end < 0 ? text.Length : end;
            for (; i < end; i++)
            {
                text[i] = text[i] == '\n' ? '\n' : ' ';
            }
        }

        return new(text);
    }

    private static int After(int found, int length) => found < 0 ? -1 : found + length;

    private static int ClosingQuote(string code, int open)
    {
        for (var i = open + 1; i < code.Length; i++)
        {
            if (code[i] == '\\')
            {
                i++;
            }
            else if (code[i] == code[open])
            {
                return i;
            }
        }

        return -1;
    }
}
