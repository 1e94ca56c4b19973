using System.Text.Json;
using CsCheck;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Templates;

namespace Souk.OpenAi.Tests.Templates;

public sealed class TemplateRefusalTests
{
    private static readonly ChatMessage[] _messages = [ChatMessage.OfText("user", "hi")];

    [Theory]
    [InlineData("a\n{% include 'x' %}", "the tag include", 2)]
    [InlineData("{% extends 'x' %}", "the tag extends", 1)]
    [InlineData("{% import 'x' as y %}", "the tag import", 1)]
    [InlineData("{% block x %}{% endblock %}", "the tag block", 1)]
    [InlineData("{% call x() %}{% endcall %}", "the tag call", 1)]
    [InlineData("{% do x %}", "the tag do", 1)]
    [InlineData("{% break %}", "the tag break", 1)]
    [InlineData("\n\n{{ x | sort }}", "the filter sort", 3)]
    [InlineData("{{ x | map('random') | list }}", "the filter random", 1)]
    [InlineData("{{ x | selectattr('a', 'sameas', 1) }}", "the test sameas", 1)]
    [InlineData("{{ x is filter }}", "the test filter", 1)]
    [InlineData("{{ x.__class__() }}", "the method __class__()", 1)]
    [InlineData("{{ x.append(1) }}", "the method append()", 1)]
    [InlineData("{{ x.format(1) }}", "the method format()", 1)]
    [InlineData("{{ lipsum() }}", "the name lipsum", 1)]
    [InlineData("{{ fetch('http://x') }}", "the function fetch()", 1)]
    [InlineData("{{ 'a'() }}", "a call of an expression", 1)]
    [InlineData("{{ f(*x) }}", "unpacked arguments", 1)]
    [InlineData("{{ x | tojson(sort_keys=true) }}", "the filter tojson with options other than indent", 1)]
    [InlineData("{% for x in y recursive %}{% endfor %}", "a recursive loop", 1)]
    [InlineData("{{ strftime_now('%Y') }}", "strftime_now without a fixed clock", 1)]
    [InlineData("{% if x %}", "the end of the template where endif belongs", 1)]
    [InlineData("{{ x", "a tag without an end", 1)]
    [InlineData("{# x", "a comment without an end", 1)]
    [InlineData("{{ (x }}", "an unbalanced '}'", 1)]
    [InlineData("{{ 'x }}", "a string without an end", 1)]
    [InlineData("{{ a ? b }}", "the character '?'", 1)]
    [InlineData("{% endif %}", "the tag endif", 1)]
    public void What_is_outside_the_subset_is_refused_with_its_line(string source, string construct, int line)
    {
        var refused = ChatTemplate.Compile(source).Refused;

        Assert.Equal((construct, line), (refused?.Construct, refused?.Line ?? 0));
    }

    [Theory]
    [InlineData("{% for a in range(3000) %}{% for b in range(3000) %}{% endfor %}{% endfor %}", "prompt_too_complex")]
    [InlineData("{{ range(99999999999) | length }}", "prompt_too_complex")]
    [InlineData("{{ 'xxxxxxxxxx' * 99999999 }}", "prompt_too_complex")]
    [InlineData("{% set n = namespace(x='x') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "prompt_too_complex")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "chat_template_failed")]
    [InlineData("{% set n = namespace(x=[]) %}{% for i in range(200) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x | "
        + "tojson }}", "chat_template_failed")]
    [InlineData("{% set n = namespace(x=[]) %}{% for i in range(90) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ "
        + "n.x }}", "chat_template_failed")]
    [InlineData("{% set n = namespace(x=[]) %}{% for i in range(90) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ "
        + "n.x == n.x + [] }}", "prompt_too_complex")]
    [InlineData("{{ 1 // 0 }}", "chat_template_failed")]
    [InlineData("{{ 2 ** 64 }}", "chat_template_failed")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "chat_template_failed")]
    [InlineData("{{ 1 + 'a' }}", "chat_template_failed")]
    [InlineData("{{ x.y }}", "chat_template_failed")]
    [InlineData("{{ messages['x'].y }}", "chat_template_failed")]
    [InlineData("{{ raise_exception('not so') }}", "chat_template_raised")]
    [InlineData("{{ ''.split('') }}", "chat_template_failed")]
    public void A_rendering_that_fails_or_costs_too_much_gives_a_400(string source, string code)
    {
        var compiled = ChatTemplate.Compile(source);
        Assert.True(compiled.IsOk, compiled.Refused?.Message);

        var error = compiled.Value.Render(_messages, true, "", "").Error;

        Assert.Equal((400, code), (error?.Status ?? 0, error?.Code));
    }

    [Fact]
    public void Deep_nesting_is_refused_before_it_can_overflow_the_stack()
    {
        Assert.False(ChatTemplate.Compile("{{ " + new string('(', 9_000) + "1" + new string(')', 9_000) + " }}").IsOk);
        Assert.False(ChatTemplate.Compile(string.Concat(Enumerable.Repeat("{% if 1 %}", 9_000))).IsOk);
        Assert.False(ChatTemplate.Compile("{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 60_000)) + " }}").IsOk);
        Assert.False(ChatTemplate.Compile("{{ " + string.Concat(Enumerable.Repeat("not ",
            9_000)) + "-" + new string('-', 9_000) + "1 }}").IsOk);
        Assert.False(ChatTemplate.Compile("{{ x" + string.Concat(Enumerable.Repeat(".y", 60_000)) + " }}").IsOk);
        Assert.False(ChatTemplate.Compile(new string(' ', 300_000)).IsOk);
    }

    [Fact]
    public void A_fixed_clock_allows_strftime_now()
    {
        var limits = new TemplateLimits { Now = new DateTimeOffset(2026, 7, 4, 5, 6, 7, TimeSpan.Zero) };
        var compiled = ChatTemplate.Compile("{{ strftime_now('%d %b %Y %H:%M:%S 100%%') }}", limits);

        Assert.Equal("04 Jul 2026 05:06:07 100%", compiled.Value.Render(_messages, true, "", "").Value);
    }

    [Fact]
    public void Variables_of_a_request_never_replace_messages_or_functions()
    {
        using var variables = JsonDocument.Parse("""{"messages":1,"bos_token":"x","range":2,"mine":[1,"é"]}""");
        var compiled = ChatTemplate.Compile("{{ messages | length }}{{ bos_token }}{{ range(2) | list }}{{ mine | "
            + "tojson }}");

        var rendered = compiled.Value.Render(_messages, true, "<b>", "", null, variables.RootElement);

        Assert.Equal("1<b>[0, 1][1, \"é\"]", rendered.Value);
    }

    [Fact]
    public void Any_text_compiles_or_is_refused_and_renders_or_fails_without_throwing()
    {
        string[] words =
        [
            "{{", "}}", "{%", "%}", "{%-", "-%}", "{#", "#}", " if ", " else ", " endif ", " for ", " in ",
            " endfor ", " set ",
            "=", "messages", "x", ".", "[", "]", "(", ")", "'a'", "1", "|", "length", " is ", "defined", " not ", "-",
            "+", "*",
            "~", ",", ":", "{", "}", "range", "namespace", "\n", " ", "role", "**", "//", "%", "macro ", " endmacro ",
            "tojson",
        ];
        Choice(words).Array[0, 24].Select(parts => string.Concat(parts)).Sample(
            source =>
            {
                var compiled = ChatTemplate.Compile(source);
                if (compiled.IsOk)
                {
                    _ = compiled.Value.Render(_messages, true, "<b>", "<e>");
                }
            },
            iter: 20_000);
    }

    [Fact]
    public void Any_expression_renders_or_fails_without_throwing()
    {
        var atom = Choice("messages", "x", "1", "0", "-3", "2.5", "'ab'", "''", "none", "true", "[]", "[1, 'a']",
            "{'k': 1}", "(1,)", "range");
        var filter = Choice(
            "", "|length", "|tojson", "|list", "|first", "|last", "|join(',')", "|upper", "|int", "|float", "|abs",
            "|string", "|items",
            "|dictsort", "|reverse", "|map('upper')|list", "|select|list", "|map(attribute='role')|list", "[0]",
            "[-1:]", "['k']", ".k",
            ".split()", ".items()", ".get('k')", "|default(7)", "|replace('a','b')", "|indent", "|trim", "|title");
        var operation = Choice("+", "-", "*", "/", "//", "%", "**", "~", "==", "<", " in ", " not in ", " and ",
            " or ", " is ");
        Gen.Select(atom, filter, operation, atom, filter).Sample(
            (a, f, o, b, g) =>
            {
                var compiled = ChatTemplate.Compile($"{{{{ {a}{f} {o} {b}{g} }}}}");
                if (compiled.IsOk)
                {
                    _ = compiled.Value.Render(_messages, true, "<b>", "<e>");
                }
            },
            iter: 20_000);
    }

    private static Gen<string> Choice(params string[] words) => Gen.Int[0, words.Length - 1].Select(i => words[i]);
}
