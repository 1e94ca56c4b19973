using System.Globalization;

namespace Souk.OpenAi.Templates;

/// <summary>
/// Parses values and what follows them directly: attributes, subscripts, calls, filters and tests. What a template may
/// not use is refused here.
/// </summary>
internal sealed class OperandParser(TokenReader tokens, ExpressionParser whole)
{
    private static readonly string[] _noArgument = ["else", "or", "and", "if", "not", "in", "is"];

    private static readonly string[] _foreign = ["self", "super", "caller", "varargs", "kwargs", "cycler", "joiner",
        "lipsum"];

    /// <summary>Functions and macros that are called, with the line of the first call.</summary>
    internal Dictionary<string, int> Called { get; } = new(StringComparer.Ordinal);

    /// <summary>Names that the template asks about with <c>is defined</c> before it uses them.</summary>
    internal HashSet<string> AskedFor { get; } = new(StringComparer.Ordinal);

    internal Expression Primary()
    {
        var token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                return Name();
            case TokenKind.Text:
                var text = "";
                while (tokens.Current.Kind == TokenKind.Text)
                {
                    text += tokens.Take().Value;
                }

                return new Constant(text);
            case TokenKind.Integer when long.TryParse(
                token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var integer):
                tokens.Take();
                return new Constant(integer);
            case TokenKind.Real:
                tokens.Take();
                return new Constant(double.Parse(token.Value, NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture));
            case TokenKind.Operator when token.Value == "(":
                return Parenthesised();
            case TokenKind.Operator when token.Value == "[":
                tokens.Take();
                return new ListLiteral(Items("]"), isTuple: false);
            case TokenKind.Operator when token.Value == "{":
                return MapOf();
            default:
                throw tokens.Unexpected("where a value belongs");
        }
    }

    private Expression Name()
    {
        var line = tokens.Line;
        var name = tokens.Take().Value;
        switch (name)
        {
            case "true" or "True":
                return new Constant(true);
            case "false" or "False":
                return new Constant(false);
            case "none" or "None":
                return new Constant(null);
        }

        if (_foreign.Contains(name))
        {
            throw new TemplateRefusal($"the name {name}", line);
        }

        return new Variable(name);
    }

    private Expression Parenthesised()
    {
        tokens.Take();
        if (tokens.TryTakeOperator(")"))
        {
            return new ListLiteral([], isTuple: true);
        }

        var inner = whole.ParseTuple();
        tokens.RequireOperator(")");
        return inner;
    }

    private List<Expression> Items(string close)
    {
        var items = new List<Expression>();
        while (!tokens.TryTakeOperator(close))
        {
            if (items.Count > 0)
            {
                tokens.RequireOperator(",");
                if (tokens.TryTakeOperator(close))
                {
                    break;
                }
            }

            items.Add(whole.Parse());
        }

        return items;
    }

    private MapLiteral MapOf()
    {
        tokens.Take();
        var entries = new List<(Expression, Expression)>();
        while (!tokens.TryTakeOperator("}"))
        {
            if (entries.Count > 0)
            {
                tokens.RequireOperator(",");
                if (tokens.TryTakeOperator("}"))
                {
                    break;
                }
            }

            var key = whole.Parse();
            tokens.RequireOperator(":");
            entries.Add((key, whole.Parse()));
        }

        return new MapLiteral(entries);
    }

    internal Expression Postfixed(Expression value)
    {
        while (true)
        {
            if (tokens.TryTakeOperator("."))
            {
                value = tokens.Current.Kind == TokenKind.Integer
                    ? new Index(value, Primary())
                    : new Member(value, tokens.RequireName());
            }
            else if (tokens.TryTakeOperator("["))
            {
                value = Subscript(value);
            }
            else if (tokens.Current.IsOperator("("))
            {
                value = CallOf(value);
            }
            else
            {
                return value;
            }

            whole.Deeper(value);
        }
    }

    private Expression Subscript(Expression target)
    {
        var start = tokens.Current.IsOperator(":") ? null : whole.Parse();
        if (tokens.TryTakeOperator("]"))
        {
            return new Index(target, start!);
        }

        tokens.RequireOperator(":");
        var stop = tokens.Current.IsOperator(":") || tokens.Current.IsOperator("]") ? null : whole.Parse();
        Expression? step = null;
        if (tokens.TryTakeOperator(":") && !tokens.Current.IsOperator("]"))
        {
            step = whole.Parse();
        }

        tokens.RequireOperator("]");
        return new Slice(target, start, stop, step);
    }

    private Expression CallOf(Expression callee)
    {
        var line = tokens.Line;
        tokens.Take();
        var arguments = ArgumentsUntilClose();
        switch (callee)
        {
            case Variable function:
                Called.TryAdd(function.Name, line);
                return new FunctionCall(function.Name, arguments);
            case Member method when Methods.IsKnown(method.Name):
                return new MethodCall(method.Target, method.Name, arguments);
            case Member method:
                throw new TemplateRefusal($"the method {method.Name}()", line);
            default:
                throw new TemplateRefusal("a call of an expression", line);
        }
    }

    private Arguments ArgumentsUntilClose()
    {
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        while (!tokens.TryTakeOperator(")"))
        {
            if (positional.Count + named.Count > 0)
            {
                tokens.RequireOperator(",");
                if (tokens.TryTakeOperator(")"))
                {
                    break;
                }
            }

            if (tokens.Current.IsOperator("*") || tokens.Current.IsOperator("**"))
            {
                throw new TemplateRefusal("unpacked arguments", tokens.Line);
            }

            if (tokens.Current.Kind == TokenKind.Name && tokens.Next.IsOperator("="))
            {
                var name = tokens.Take().Value;
                tokens.Take();
                named.Add((name, whole.Parse()));
            }
            else
            {
                positional.Add(whole.Parse());
            }
        }

        return new Arguments(positional, named);
    }

    internal Expression Filtered(Expression value)
    {
        while (true)
        {
            if (tokens.TryTakeOperator("|"))
            {
                value = FilterOf(value);
            }
            else if (tokens.TryTakeName("is"))
            {
                value = TestOf(value);
            }
            else if (tokens.Current.IsOperator("("))
            {
                value = CallOf(value);
            }
            else
            {
                return value;
            }

            whole.Deeper(value);
        }
    }

    private FilterCall FilterOf(Expression value)
    {
        var line = tokens.Line;
        var name = tokens.RequireName();
        var filter = Filters.Find(name) ?? throw new TemplateRefusal($"the filter {name}", line);
        var arguments = tokens.TryTakeOperator("(") ? ArgumentsUntilClose() : Arguments.None;
        if (name == "tojson" && arguments.Named.Any(argument => argument.Name != "indent"
            && !(argument is { Name: "ensure_ascii", Value: Constant { Value: false } })))
        {
            throw new TemplateRefusal("the filter tojson with options other than indent", line);
        }

        CheckNames(name, arguments, line);
        return new FilterCall(value, filter, arguments);
    }

    /// <summary>map and the select filters take the names of other filters and tests.</summary>
    private static void CheckNames(string filter, Arguments arguments, int line)
    {
        var place = filter is "selectattr" or "rejectattr" ? 1 : 0;
        if (arguments.Positional.Count <= place || arguments.Positional[place] is not Constant { Value: string inner })
        {
            return;
        }

        if (filter == "map" && Filters.Find(inner) is null)
        {
            throw new TemplateRefusal($"the filter {inner}", line);
        }

        if (filter is "selectattr" or "rejectattr" or "select" or "reject" && Tests.Find(inner) is null)
        {
            throw new TemplateRefusal($"the test {inner}", line);
        }
    }

    private TestCall TestOf(Expression value)
    {
        var line = tokens.Line;
        var isNegated = tokens.TryTakeName("not");
        var name = tokens.RequireName();
        var test = Tests.Find(name) ?? throw new TemplateRefusal($"the test {name}", line);
        if (name == "defined" && value is Variable variable)
        {
            AskedFor.Add(variable.Name);
        }

        var arguments = Arguments.None;
        if (tokens.TryTakeOperator("("))
        {
            arguments = ArgumentsUntilClose();
        }
        else if (TakesBareArgument())
        {
            arguments = new Arguments([Postfixed(Primary())], []);
        }

        return new TestCall(value, test, arguments, isNegated);
    }

    private bool TakesBareArgument() => tokens.Current.Kind switch
    {
        TokenKind.Text or TokenKind.Integer or TokenKind.Real => true,
        TokenKind.Name => !_noArgument.Contains(tokens.Current.Value),
        TokenKind.Operator => tokens.Current.Value is "[" or "{",
        _ => false,
    };
}
