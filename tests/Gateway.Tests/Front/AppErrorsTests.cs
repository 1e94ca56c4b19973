using System.Text.Json;
using Souk.Gateway.Chat;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Front;

public sealed class AppErrorsTests
{
    [Theory]
    [InlineData(413, "invalid_request_error")]
    [InlineData(429, "rate_limit_error")]
    [InlineData(503, "service_unavailable_error")]
    public void What_is_refused_before_it_is_read_has_OpenAIs_shape(int status, string type)
    {
        var error = AppErrors.From(new WireError(status, "busy", "Later.", Fault.Theirs));

        using var json = JsonDocument.Parse(error.ToJson());
        var body = json.RootElement.GetProperty("error");
        Assert.Equal(status, error.Status);
        Assert.Equal(type, body.GetProperty("type").GetString());
        Assert.Equal("Later.", body.GetProperty("message").GetString());
        Assert.Equal(JsonValueKind.Null, body.GetProperty("param").ValueKind);
    }

    [Theory]
    [InlineData(Fault.Ours, 503)]
    [InlineData(Fault.Theirs, 502)]
    public void A_quarrel_between_nodes_is_no_error_of_the_app(Fault fault, int status) =>
        Assert.Equal(status, AppErrors.From(new Refusal(fault, "voucher_lower", "It is lower.")).Status);

    [Theory]
    [InlineData("image_not_supported")]
    [InlineData("chat_template_failed")]
    [InlineData("prompt_too_complex")]
    [InlineData("invalid_prompt")]
    public void What_a_models_template_does_not_take_is_an_error_of_the_app(string code)
    {
        var error = AppErrors.From(new Refusal(Fault.Theirs, code, "No."));

        Assert.Equal((400, code, "messages"), (error.Status, error.Code, error.Param));
    }
}
