namespace Souk.OpenAi.Templates;

/// <summary>Parses text and tags into statements; what a template may not use is refused here.</summary>
internal sealed class StatementParser
{
    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;
    private readonly TemplateLimits _limits;
    private readonly HashSet<string> _macros = new(StringComparer.Ordinal);
    private int _depth;
    private int _loops;

    private StatementParser(List<Token> tokens, TemplateLimits limits)
    {
        _tokens = new TokenReader(tokens);
        _expressions = new ExpressionParser(_tokens, limits);
        _limits = limits;
    }

    internal static Statement Parse(string source, TemplateLimits limits)
    {
        var parser = new StatementParser(Lexer.Scan(source), limits);
        var body = parser.Body();
        if (parser._tokens.Current.Kind != TokenKind.End)
        {
            throw parser._tokens.Unexpected("without its beginning");
        }

        parser.CheckCalls();
        return body;
    }

    private void CheckCalls()
    {
        foreach (var (name, line) in _expressions.Operands.Called)
        {
            if (!Functions.IsKnown(name) && !_macros.Contains(name))
            {
                throw new TemplateRefusal($"the function {name}()", line);
            }

            // Without a clock the name is undefined, which is fine for a template that asks before it calls.
            if (name == Functions.Clock && _limits.Now is null && !_expressions.Operands.AskedFor.Contains(name))
            {
                throw new TemplateRefusal("strftime_now without a fixed clock", line);
            }
        }
    }

    /// <summary>Statements up to one of the given tags, which stays unread, or up to the end.</summary>
    private Sequence Body(params string[] until)
    {
        if (++_depth > _limits.MaxDepth)
        {
            throw new TemplateRefusal("statements nested too deep", _tokens.Line);
        }

        var statements = new List<Statement>();
        while (true)
        {
            switch (_tokens.Current.Kind)
            {
                case TokenKind.Data:
                    statements.Add(new TextStatement(_tokens.Take().Value));
                    break;
                case TokenKind.OutputBegin:
                    _tokens.Take();
                    statements.Add(new OutputStatement(_expressions.ParseTuple()));
                    _tokens.Require(TokenKind.OutputEnd);
                    break;
                case TokenKind.BlockBegin when _tokens.Next.Kind == TokenKind.Name
                    && until.Contains(_tokens.Next.Value):
                case TokenKind.End:
                    if (_tokens.Current.Kind == TokenKind.End && until.Length > 0)
                    {
                        throw new TemplateRefusal($"the end of the template where {until[^1]} belongs", _tokens.Line);
                    }

                    _depth--;
                    return new Sequence(statements);
                case TokenKind.BlockBegin:
                    _tokens.Take();
                    statements.Add(Tag());
                    break;
                default:
                    throw _tokens.Unexpected("between tags");
            }
        }
    }

    private Statement Tag()
    {
        var line = _tokens.Line;
        switch (_tokens.RequireName())
        {
            case "if":
                return If();
            case "for":
                return For(line);
            case "set":
                return Set();
            case "macro":
                return Macro(line);
            case "break" when _loops > 0:
                _tokens.Require(TokenKind.BlockEnd);
                return new JumpStatement(Flow.Break);
            case "continue" when _loops > 0:
                _tokens.Require(TokenKind.BlockEnd);
                return new JumpStatement(Flow.Continue);
            case "generation":
                // It marks what training learns from; in rendering it changes nothing.
                _tokens.Require(TokenKind.BlockEnd);
                var body = Body("endgeneration");
                End();
                return body;
            case var other:
                throw new TemplateRefusal($"the tag {other}", line);
        }
    }

    /// <summary>Passes over the end tag that <see cref="Body"/> stopped at.</summary>
    private void End()
    {
        _tokens.Take();
        _tokens.Take();
        _tokens.Require(TokenKind.BlockEnd);
    }

    private IfStatement If()
    {
        var branches = new List<(Expression, Statement)>();
        while (true)
        {
            var test = _expressions.ParseTuple();
            _tokens.Require(TokenKind.BlockEnd);
            branches.Add((test, Body("elif", "else", "endif")));
            _tokens.Take();
            switch (_tokens.Take().Value)
            {
                case "elif":
                    continue;
                case "else":
                    _tokens.Require(TokenKind.BlockEnd);
                    var otherwise = Body("endif");
                    End();
                    return new IfStatement(branches, otherwise);
                default:
                    _tokens.Require(TokenKind.BlockEnd);
                    return new IfStatement(branches, null);
            }
        }
    }

    private ForStatement For(int line)
    {
        var target = LoopTarget();
        if (!_tokens.TryTakeName("in"))
        {
            throw _tokens.Unexpected("where 'in' belongs");
        }

        var items = _expressions.ParseWithoutCondition();
        var condition = _tokens.TryTakeName("if") ? _expressions.Parse() : null;
        if (_tokens.Current.IsName("recursive"))
        {
            throw new TemplateRefusal("a recursive loop", line);
        }

        _tokens.Require(TokenKind.BlockEnd);
        _loops++;
        var body = Body("else", "endfor");
        _loops--;
        Statement? otherwise = null;
        if (_tokens.Next.Value == "else")
        {
            End();
            otherwise = Body("endfor");
        }

        End();
        return new ForStatement(target, items, condition, body, otherwise);
    }

    private Target LoopTarget()
    {
        var hasParenthesis = _tokens.TryTakeOperator("(");
        var names = new List<string> { _tokens.RequireName() };
        while (_tokens.TryTakeOperator(","))
        {
            names.Add(_tokens.RequireName());
        }

        if (hasParenthesis)
        {
            _tokens.RequireOperator(")");
        }

        return new Target(names, null);
    }

    private Statement Set()
    {
        var target = SetTarget();
        if (_tokens.TryTakeOperator("="))
        {
            var value = _expressions.ParseTuple();
            _tokens.Require(TokenKind.BlockEnd);
            return new SetStatement(target, value);
        }

        if (_tokens.Current.IsOperator("|"))
        {
            throw new TemplateRefusal("a block set with filters", _tokens.Line);
        }

        _tokens.Require(TokenKind.BlockEnd);
        var body = Body("endset");
        End();
        return new SetBlockStatement(target, body);
    }

    private Target SetTarget()
    {
        var name = _tokens.RequireName();
        if (_tokens.TryTakeOperator("."))
        {
            return new Target([name], _tokens.RequireName());
        }

        var names = new List<string> { name };
        while (_tokens.TryTakeOperator(","))
        {
            names.Add(_tokens.RequireName());
        }

        return new Target(names, null);
    }

    private MacroStatement Macro(int line)
    {
        var name = _tokens.RequireName();
        if (Functions.IsKnown(name))
        {
            throw new TemplateRefusal($"a macro named {name}", line);
        }

        _macros.Add(name);
        _tokens.RequireOperator("(");
        var parameters = new List<(string, Expression?)>();
        while (!_tokens.TryTakeOperator(")"))
        {
            if (parameters.Count > 0)
            {
                _tokens.RequireOperator(",");
            }

            var parameter = _tokens.RequireName();
            parameters.Add((parameter, _tokens.TryTakeOperator("=") ? _expressions.Parse() : null));
        }

        _tokens.Require(TokenKind.BlockEnd);
        var outerLoops = _loops;
        _loops = 0;
        var body = Body("endmacro");
        _loops = outerLoops;
        End();
        return new MacroStatement(name, parameters, body);
    }
}
