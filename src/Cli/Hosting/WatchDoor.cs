using System.Text.Json;
using Souk.Protocol;
using Souk.Provider.Watch;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Cli.Hosting;

/// <summary>A watchtower owner's door: what is held, what is not protected, what is being withdrawn.</summary>
internal sealed class WatchDoor(WatchNode node, NetworkFile network, string token) : IWireHandler
{
    /// <summary>GET: amounts and counts.</summary>
    public const string StatusPath = "/watch/v1/status";

    private readonly OwnerToken _token = new(token);

    /// <inheritdoc/>
    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var error = !_token.Allows(request)
            ? new WireError(401, "invalid_token", "The owner's token is missing or wrong.", Fault.Theirs)
            : (request.Method, request.Path) is not ("GET", StatusPath)
                ? new WireError(404, "not_found", "There is nothing at this path and method.", Fault.Theirs)
                : null;
        await (error is null
            ? response.SendJsonAsync(200, JsonSerializer.SerializeToUtf8Bytes(Status()), aborted)
            : response.SendErrorAsync(error, aborted));
    }

    private Dictionary<string, object?> Status()
    {
        var status = node.Status;
        return new Dictionary<string, object?>
        {
            ["channels"] = status.Channels,
            ["head"] = status.HeadNumber,
            ["held_up"] = status.Held?.Message,
            ["claimed"] = Text(status.Claimed),
            ["margin_seconds"] = status.MarginSeconds,
            ["providers"] = status.Providers.Select(provider => new Dictionary<string, object?>
            {
                ["authorizer"] = provider.Authorizer.ToString(),
                ["silent_seconds"] = provider.SilentSeconds,
                ["protected"] = Text(provider.Protected),
                ["unprotected"] = provider.Unprotected is { } open ? Text(open) : null,
            }).ToList(),
            ["withdrawals"] = status.Withdrawals.Select(one => new Dictionary<string, object?>
            {
                ["channel"] = one.ChannelId.ToString(),
                ["value"] = Text(one.Value),
                ["deadline"] = DateTimeOffset.FromUnixTimeSeconds((long)one.Deadline),
                ["is_due"] = one.IsDue,
            }).ToList(),
            ["set_aside"] = OwnerDoor.Rows(status.SetAside),
        };
    }

    private string Text(Amount amount) => amount.ToDecimal(network.CurrencyDecimals);
}
