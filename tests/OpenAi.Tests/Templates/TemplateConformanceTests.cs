using System.Text;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Templates;

namespace Souk.OpenAi.Tests.Templates;

/// <summary>What templates/render.py got from Jinja itself is what this library must render.</summary>
public sealed class TemplateConformanceTests
{
    public static TheoryData<string, string> Cases()
    {
        var data = new TheoryData<string, string>();
        using var expected = JsonDocument.Parse(TestFiles.Read("templates", "expected.json"));
        foreach (var template in expected.RootElement.EnumerateObject())
        {
            foreach (var entry in template.Value.EnumerateObject())
            {
                data.Add(template.Name, entry.Name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rendering_equals_that_of_Jinja(string template, string name)
    {
        using var expected = JsonDocument.Parse(TestFiles.Read("templates", "expected.json"));
        using var cases = JsonDocument.Parse(TestFiles.Read("templates", "cases.json"));
        var entry = cases.RootElement.EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);
        var compiled = ChatTemplate.Compile(Encoding.UTF8.GetString(TestFiles.Read("templates", template + ".jinja")));
        Assert.True(compiled.IsOk, compiled.Refused?.Message);

        var request = ChatRequest.Parse(Encoding.UTF8.GetBytes(
            $"{{\"model\":\"m\",\"messages\":{entry.GetProperty("messages").GetRawText()},"
            + $"\"tools\":{Raw(entry, "tools")},\"chat_template_kwargs\":{Raw(entry, "variables")}}}"));
        Assert.True(request.IsOk, request.Error?.Message);
        var wantsPrompt = !entry.TryGetProperty("add_generation_prompt", out var flag) || flag.GetBoolean();
        var rendered = compiled.Value.Render(
            request.Value.Messages,
            wantsPrompt,
            "<bos>",
            "<eos>",
            request.Value.Tools,
            request.Value.TemplateVariables);

        var wanted = expected.RootElement.GetProperty(template).GetProperty(name);
        if (wanted.TryGetProperty("text", out var text))
        {
            Assert.True(rendered.IsOk, rendered.Error?.Message);
            Assert.Equal(text.GetString(), rendered.Value);
        }
        else
        {
            Assert.False(rendered.IsOk);
            Assert.Equal(400, rendered.Error!.Status);
        }
    }

    private static string Raw(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) ? value.GetRawText() : "null";
}
