using System.Globalization;
using System.Text.Json;
using Souk.Cli.Commands;
using Souk.Cli.Hosting;
using Souk.Cli.State;

namespace Souk.Cli.Doctor;

/// <summary>How much of what its owner lets it risk a running role has at risk.</summary>
internal static class ExposureCheck
{
    // With nine tenths in use the next raises are declined and answers end early.
    private const decimal Much = 0.9m;

    /// <summary>One finding for each role that runs here and has a cap.</summary>
    public static async Task<IReadOnlyList<Finding>> RunAsync(DataDirectory data, CancellationToken cancellation)
    {
        List<Finding> findings = [];
        Add(
            await AskAsync(data, "gateway", "/admin/v1/status", cancellation), "gateway", "exposure_cap",
            "Answers end early until receipts explain what was promised: look for providers that do not answer "
                + "('souk status', the gateway's log).");
        Add(
            await AskAsync(data, "provider", OwnerDoor.StatusPath, cancellation), "provider", "unclaimed_cap",
            "Requests are refused until a claim is mined: 'souk provider claim', or raise --most-unclaimed.");
        return findings;

        void Add(JsonElement? status, string role, string cap, string advice)
        {
            if (status is not { } told || Number(told, cap) is not { } most)
            {
                return;
            }

            var at = Number(told, "exposure") ?? 0;
            var text = string.Create(CultureInfo.InvariantCulture, $"{at} at risk, of at most {most}");
            findings.Add(at < most * Much
                ? Finding.Ok($"{role} exposure", text)
                : Finding.Problem($"{role} exposure", text, advice));
        }
    }

    /// <summary>What a role that runs here tells its owner; null where none does.</summary>
    public static async Task<JsonElement?> AskAsync(
        DataDirectory data, string role, string path, CancellationToken cancellation)
    {
        if (AdminAccess.Find(data, role) is not { } link)
        {
            return null;
        }

        using (link)
        {
            return (await link.GetAsync(path, cancellation)).TryGet(out var json, out _) ? json : null;
        }
    }

    private static decimal? Number(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        && decimal.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
