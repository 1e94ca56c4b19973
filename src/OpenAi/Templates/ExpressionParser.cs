using System.Runtime.CompilerServices;

namespace Souk.OpenAi.Templates;

/// <summary>Parses the operators of expressions with Jinja's precedence.</summary>
internal sealed class ExpressionParser(TokenReader tokens, TemplateLimits limits)
{
    private const int MaxChain = 512;

    private int _depth;
    private int _chain;

    private OperandParser? _operands;

    /// <summary>Parses what operators stand between; it also keeps record of what is called.</summary>
    internal OperandParser Operands => _operands ??= new OperandParser(tokens, this);

    /// <summary>An expression, or a tuple of several where commas follow.</summary>
    internal Expression ParseTuple()
    {
        var first = Parse();
        if (!tokens.Current.IsOperator(","))
        {
            return first;
        }

        var items = new List<Expression> { first };
        while (tokens.TryTakeOperator(","))
        {
            if (tokens.Current.Kind is TokenKind.BlockEnd or TokenKind.OutputEnd || tokens.Current.IsOperator(")"))
            {
                break;
            }

            items.Add(Parse());
        }

        return new ListLiteral(items, isTuple: true);
    }

    internal Expression Parse()
    {
        if (_depth++ == 0)
        {
            _chain = 0;
        }

        CheckDepth();
        var value = Or();
        while (tokens.TryTakeName("if"))
        {
            var test = Or();
            value = new Conditional(test, value, tokens.TryTakeName("else") ? Parse() : null);
        }

        _depth--;
        return value;
    }

    /// <summary>An expression without the conditional form, as the list of a loop that may have a filter.</summary>
    internal Expression ParseWithoutCondition()
    {
        _chain = 0;
        return Or();
    }

    private void CheckDepth()
    {
        if (_depth > limits.MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new TemplateRefusal("an expression nested too deep", tokens.Line);
        }
    }

    private Expression Or()
    {
        var left = And();
        while (tokens.TryTakeName("or"))
        {
            left = Deeper(new Logical(left, And(), isAnd: false));
        }

        return left;
    }

    private Expression And()
    {
        var left = Negation();
        while (tokens.TryTakeName("and"))
        {
            left = Deeper(new Logical(left, Negation(), isAnd: true));
        }

        return left;
    }

    private Expression Negation()
    {
        var count = 0;
        while (tokens.TryTakeName("not"))
        {
            count++;
        }

        var operand = Compared();
        return count == 0 ? operand : count % 2 == 1 ? new Not(operand) : new Not(new Not(operand));
    }

    private Expression Compared()
    {
        var first = Sum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (tokens.Current.Kind == TokenKind.Operator && tokens.Current.Value is "==" or "!=" or "<" or "<="
                or ">" or ">=")
            {
                rest.Add((tokens.Take().Value, Sum()));
            }
            else if (tokens.TryTakeName("in"))
            {
                rest.Add(("in", Sum()));
            }
            else if (tokens.Current.IsName("not") && tokens.Next.IsName("in"))
            {
                tokens.Take();
                tokens.Take();
                rest.Add(("not in", Sum()));
            }
            else
            {
                return rest.Count == 0 ? first : new Comparison(first, rest);
            }
        }
    }

    private Expression Sum() => LeftToRight(["+", "-"], () => LeftToRight(["~"], Product));

    private Expression Product() => LeftToRight(["*", "/", "//", "%"], () => LeftToRight(["**"], () => Signed(true)));

    private Expression LeftToRight(string[] operators, Func<Expression> operand)
    {
        var left = operand();
        while (tokens.Current.Kind == TokenKind.Operator && operators.Contains(tokens.Current.Value))
        {
            left = Deeper(new Binary(tokens.Take().Value, left, operand()));
        }

        return left;
    }

    /// <summary>Long chains nest to the left; evaluating them recurses, so their length is bounded too.</summary>
    internal Expression Deeper(Expression expression)
    {
        if (++_chain > MaxChain)
        {
            throw new TemplateRefusal("too many operators", tokens.Line);
        }

        return expression;
    }

    private Expression Signed(bool takesFilters)
    {
        if (tokens.Current.IsOperator("-") || tokens.Current.IsOperator("+"))
        {
            var isMinus = tokens.Take().Value == "-";
            CheckDepth();
            var operand = Deeper(new Unary(Signed(false), isMinus));
            return takesFilters ? Operands.Filtered(operand) : operand;
        }

        var value = Operands.Postfixed(Operands.Primary());
        return takesFilters ? Operands.Filtered(value) : value;
    }
}
