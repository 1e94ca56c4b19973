using System.Text;
using System.Text.Json;
using CsCheck;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Tests.Errors;

public sealed class OpenAiErrorTests
{
    public static TheoryData<int, string> Statuses() => new()
    {
        { 400, "invalid_request_error" },
        { 401, "authentication_error" },
        { 402, "insufficient_quota" },
        { 403, "permission_error" },
        { 404, "invalid_request_error" },
        { 408, "timeout_error" },
        { 409, "conflict_error" },
        { 413, "invalid_request_error" },
        { 422, "invalid_request_error" },
        { 429, "rate_limit_error" },
        { 500, "server_error" },
        { 502, "server_error" },
        { 503, "service_unavailable_error" },
    };

    [Theory]
    [MemberData(nameof(Statuses))]
    public void Every_status_has_its_factory_and_type(int status, string type)
    {
        OpenAiError[] all =
        [
            OpenAiError.InvalidRequest("m"), OpenAiError.Unauthorized("m"), OpenAiError.PaymentRequired("m"),
            OpenAiError.Forbidden("m"), OpenAiError.NotFound("m"), OpenAiError.Timeout("m"), OpenAiError.Conflict("m"),
            OpenAiError.TooLarge("m"), OpenAiError.Unprocessable("m"), OpenAiError.RateLimited("m"),
            OpenAiError.Server("m"), OpenAiError.BadGateway("m"), OpenAiError.Unavailable("m"),
        ];

        Assert.Equal(type, all.Single(error => error.Status == status).Type);
        Assert.Equal(type, ErrorTypes.ForStatus(status));
    }

    [Fact]
    public void The_body_has_the_four_fields_of_OpenAI_and_nothing_else()
    {
        var json = OpenAiError.InvalidRequest("Say \"how\" – é\n", "messages[0]", "bad").ToJson();

        Assert.Equal(
            """{"error":{"message":"Say \"how\" – é\n","type":"invalid_request_error","""
            + "\"param\":\"messages[0]\",\"code\":\"bad\"}}",
            Encoding.UTF8.GetString(json));
        using var document = JsonDocument.Parse(OpenAiError.Server("x", null).ToJson());
        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("error").GetProperty("code").ValueKind);
        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("error").GetProperty("param").ValueKind);
    }

    [Fact]
    public void An_error_survives_being_written_and_read()
    {
        var error = OpenAiError.ModelNotFound("gpt-x");

        Assert.Equal(error, OpenAiError.Parse(error.ToJson(), 404));
    }

    [Theory]
    [InlineData("{\"error\":\"model 'x' not found\"}", 404, "model 'x' not found")]
    [InlineData("{\"object\":\"error\",\"message\":\"too long\",\"type\":\"BadRequestError\",\"code\":400}", 400,
        "too long")]
    [InlineData("{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}", 503,
        "Loading model")]
    [InlineData("{\"detail\":\"Not Found\"}", 500, "Not Found")]
    [InlineData("<html>secret", 500, "The server answered 500.")]
    [InlineData("", 500, "The server answered 500.")]
    [InlineData("7", 500, "The server answered 500.")]
    [InlineData("{\"error\":{\"message\":\"\\ud800\"}}", 500, "The server answered 500.")]
    public void Bodies_of_other_servers_are_understood(string body, int status, string message)
    {
        var error = OpenAiError.Parse(Encoding.UTF8.GetBytes(body), 500);

        if (error.Status != 500)
        {
            Assert.Equal(status, error.Status);
        }

        Assert.Equal(message, error.Message);
    }

    [Fact]
    public void Any_bytes_give_some_error() =>
        Gen.Byte.Array.Sample(bytes => Assert.Equal(502, OpenAiError.Parse(bytes, 502).Status));

    [Fact]
    public void A_failed_result_has_no_value()
    {
        ParseResult<int> failed = OpenAiError.Server("x");
        ParseResult<int> fine = 7;

        Assert.False(failed.IsOk);
        Assert.Throws<InvalidOperationException>(() => failed.Value);
        Assert.True(fine.IsOk);
        Assert.Equal(7, fine.Value);
    }
}
