using System.Text.Json;
using Souk.Cli.Hosting;
using Souk.Cli.State;

namespace Souk.Cli.Doctor;

/// <summary>How claiming stands, at a provider and at a watchtower that run here.</summary>
internal static class ClaimCheck
{
    /// <summary>One finding for each thing that there is to tell.</summary>
    public static async Task<IReadOnlyList<Finding>> RunAsync(DataDirectory data, CancellationToken cancellation)
    {
        List<Finding> findings = [];
        if (await ExposureCheck.AskAsync(data, "provider", OwnerDoor.StatusPath, cancellation) is { } provider)
        {
            findings.Add(Claims("claims", provider, $"{Text(provider, "unclaimed")} unclaimed; the next claim: "
                + $"{Text(provider, "next_claim")}"));
            findings.Add(Finding.Ok("watchtower", Text(provider, "unprotected") is { Length: > 0 } open
                ? $"{open} is not protected by one yet"
                : "none: what is not claimed can be lost while this machine is down ('souk watch' on another helps)"));
        }

        if (await ExposureCheck.AskAsync(data, "watch", WatchDoor.StatusPath, cancellation) is { } tower)
        {
            findings.Add(Claims("watchtower's claims", tower, $"of {tower.GetProperty("channels")} channels are held"));
        }

        return findings;
    }

    private static Finding Claims(string name, JsonElement status, string text)
    {
        var aside = status.GetProperty("set_aside");
        return aside.GetArrayLength() > 0
            ? Finding.Problem(
                name, $"{text}; {aside.GetArrayLength()} channels are set aside, such as "
                    + $"{aside[0].GetProperty("channel")}: {aside[0].GetProperty("reason")}",
                "They are tried again by themselves; 'souk status' lists them all.")
            : Text(status, "held_up") is { Length: > 0 } held
                ? Finding.Problem(name, $"{text}; held up: {held}",
                    "It is tried again by itself; check the chain's node "
                    + "and the gas money.")
                : Finding.Ok(name, text);
    }

    private static string Text(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
