using System.Text.Json;
using Souk.Protocol;
using Souk.Provider;
using Souk.Provider.Claims;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Cli.Hosting;

/// <summary>
/// A provider owner's door: how the business stands, and claiming now. It asks for the owner's token, and refuses
/// foreign Host names and any Origin, so that no web page can use a browser on this machine to get in.
/// </summary>
internal sealed class OwnerDoor(ProviderNode node, ProviderOptions options, NetworkFile network, string token)
    : IWireHandler
{
    /// <summary>GET: amounts and counts.</summary>
    public const string StatusPath = "/provider/v1/status";

    /// <summary>POST: claims and settles everything, whatever the gas.</summary>
    public const string ClaimPath = "/provider/v1/claim";

    private readonly OwnerToken _token = new(token);

    /// <summary>True for a path of this door, so that it can share a port with a gateway's.</summary>
    public static bool Owns(WireRequest request) => request.Path.StartsWith("/provider/", StringComparison.Ordinal);

    /// <inheritdoc/>
    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if (!_token.Allows(request))
        {
            await response.SendErrorAsync(
                new WireError(401, "invalid_token", "The owner's token is missing or wrong.", Fault.Theirs), aborted);
            return;
        }

        switch (request.Method, request.Path)
        {
            case ("GET", StatusPath):
                await SendAsync(response, Status(), aborted);
                break;
            case ("POST", ClaimPath):
                var claimed = await node.ClaimNowAsync(aborted);
                await (claimed.TryGet(out var report, out var refusal)
                    ? SendAsync(response, Claimed(report), aborted)
                    : response.SendErrorAsync(WireError.From(refusal), aborted).AsTask());
                break;
            default:
                await response.SendErrorAsync(
                    new WireError(404, "not_found", "There is nothing at this path and method.", Fault.Theirs),
                    aborted);
                break;
        }
    }

    private Dictionary<string, object?> Status()
    {
        var status = node.Status;
        return new Dictionary<string, object?>
        {
            ["provider"] = options.Provider.ToString(),
            ["endpoint"] = options.Endpoint,
            ["offers"] = status.Offers,
            ["channels"] = status.Channels,
            ["running"] = status.Running,
            ["head"] = status.HeadNumber,
            ["earned"] = Text(status.Earned),
            ["unclaimed"] = Text(status.Unclaimed),
            ["claimed"] = Text(status.Claimed),
            ["paid_out"] = Text(status.PaidOut),
            ["losses"] = Text(status.Losses),
            ["exposure"] = Text(status.Exposure),
            ["held_up"] = status.Claiming.Held?.Message,
            ["next_claim"] = NextClaim(status.Claiming),
            ["set_aside"] = Rows(status.Claiming.SetAside),
            ["unprotected"] = status.Unprotected is { } open ? Text(open) : null,
            ["claim_margin_seconds"] = status.Claiming.MarginSeconds,
            ["unclaimed_cap"] = options.MostUnclaimed == Amount.MaxValue ? null : Text(options.MostUnclaimed),
        };
    }

    private string NextClaim(ClaimStatus claiming) => (claiming.Held, claiming.Outlook) switch
    {
        ({ } held, _) => $"held up: {held.Message}",
        (_, { DueInSeconds: { } due } outlook) => FormattableString.Invariant(
            $"when {Text(outlook.Value)} exceeds {Text(outlook.Needed)}, or in {due} s, or when a customer withdraws"),
        (_, { } outlook) => $"when there is more than {Text(outlook.Needed)}",
        _ => "nothing to claim",
    };

    /// <summary>Channels set aside, as JSON.</summary>
    public static List<Dictionary<string, object?>> Rows(IReadOnlyList<SetAsideRow> rows) =>
    [
        .. rows.Select(row => new Dictionary<string, object?>
        {
            ["channel"] = row.ChannelId.ToString(),
            ["reason"] = row.Reason,
            ["since"] = row.Since,
            ["retry_at"] = row.RetryAt,
        }),
    ];

    private Dictionary<string, object?> Claimed(ClaimReport report) => new()
    {
        ["claims"] = report.Claims.Select(hash => hash.ToString()).ToList(),
        ["settlement"] = report.Settlement?.ToString(),
        ["paid"] = Text(report.Paid),
        ["set_aside"] = Rows(report.SetAside),
    };

    private string Text(Amount amount) => amount.ToDecimal(network.CurrencyDecimals);

    private static async Task SendAsync(
        IWireResponse response, Dictionary<string, object?> fields, CancellationToken aborted) =>
        await response.SendJsonAsync(200, JsonSerializer.SerializeToUtf8Bytes(fields), aborted);
}

/// <summary>Two doors on one port.</summary>
internal sealed class SplitDoor(IWireHandler gateway, IWireHandler provider) : IWireHandler
{
    /// <inheritdoc/>
    public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted) =>
        (OwnerDoor.Owns(request) ? provider : gateway).HandleAsync(request, response, aborted);
}
