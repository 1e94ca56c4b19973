using System.Text;
using System.Text.Json;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Protocol;
using Souk.Provider;

namespace Souk.Cli.Up;

/// <summary>One ordinary OpenAI request through the network's own front door, shown from question to settled
/// money.</summary>
internal sealed class FirstAnswer(Screen screen, NetworkFile network, Ports ports, string apiKey, string adminToken)
{
    private const string Question = "What is 12 plus 30?";
    private const int Attempts = 15;

    /// <summary>Asks, shows answer, cost and receipt, then has the provider claim and settle.</summary>
    public async Task<Refusal?> ShowAsync(string model, ProviderNode provider, CancellationToken cancellation)
    {
        screen.Line();
        screen.Heading("An ordinary OpenAI request:");
        screen.Field("request", $"POST {RoleHosts.Url("http", ports.Gateway)}/v1/chat/completions");
        screen.Field("user", Question);
        using var client = new OpenAiLink(RoleHosts.Url("http", ports.Gateway), apiKey);
        screen.Write("  assistant".PadRight(Screen.ValueColumn));
        var answer = await AskAsync(client, model, cancellation);
        screen.Line();
        if (!answer.TryGet(out var chat, out var refusal))
        {
            return refusal;
        }

        screen.Field("usage", $"{chat.PromptTokens} tokens in, {chat.CompletionTokens} out, cost {chat.Cost}");
        using var admin = new AdminLink(RoleHosts.Url("http", ports.Admin), adminToken);
        var billed = await admin.GetAsync($"/admin/v1/requests/{chat.RequestId}", cancellation);
        if (!billed.TryGet(out var record, out refusal))
        {
            return refusal;
        }

        ShowReceipt(record);
        screen.Line();
        screen.Heading("The provider claims its voucher and is paid:");
        var claimed = await provider.ClaimNowAsync(cancellation);
        if (!claimed.TryGet(out var report, out refusal))
        {
            return refusal;
        }

        foreach (var hash in report.Claims)
        {
            screen.Field("claimed in", hash.ToString());
        }

        screen.Field("paid in", report.Settlement?.ToString() ?? "nothing was due");
        screen.Field("paid out", report.Paid.ToDecimal(network.CurrencyDecimals));
        return null;
    }

    // An offer counts once its heartbeat was heard too, which may take some seconds; a refusal costs nothing.
    private async Task<Result<ChatReply>> AskAsync(OpenAiLink client, string model, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var isShown = false;
            var answer = await client.ChatAsync(
                model,
                [("user", Question)],
                text =>
                {
                    isShown = true;
                    screen.Write(text);
                },
                cancellation);
            if (answer.IsOk || isShown || attempt == Attempts)
            {
                return answer;
            }

            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancellation);
        }
    }

    private void ShowReceipt(JsonElement record)
    {
        if (!record.TryGetProperty("receipt", out var signed))
        {
            screen.Field("receipt", "not there yet");
            return;
        }

        var receipt = signed.GetProperty("message");
        screen.Line();
        screen.Heading("The receipt that the provider signed and the gateway checked:");
        screen.Field("request", Text(receipt, "request_id"));
        screen.Field("channel", Text(receipt, "channel_id"));
        screen.Field("model", Text(receipt, "model_digest"));
        var (input, output) = (Text(receipt, "input_tokens"), Text(receipt, "output_tokens"));
        screen.Field("tokens", $"{input} in, {output} out ({Text(receipt, "finish_reason")})");
        screen.Field("charge", $"{Text(receipt, "charge")} units of 10^-{network.CurrencyDecimals}");
        screen.Field("signed by", record.GetProperty("signer").GetString() ?? "");
        screen.Field("signature", signed.GetProperty("signature").GetString() ?? "");
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value)
            ? value.ValueKind == JsonValueKind.String ? value.GetString()!
                : new StringBuilder(value.GetRawText()).ToString()
            : "?";
}
