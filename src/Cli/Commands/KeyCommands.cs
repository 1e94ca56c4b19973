using System.CommandLine;
using System.Text.Json;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Protocol;

namespace Souk.Cli.Commands;

/// <summary><c>keys</c>: API keys of the gateway that runs here.</summary>
internal static class KeyCommands
{
    private const string Path = "/admin/v1/keys";

    public static Command Keys(Screen screen) =>
        new("keys", "API keys: budgets inside the gateway owner's money.")
        {
            Create(screen), List(screen), Set(screen), Revoke(screen),
        };

    private static Command Create(Screen screen)
    {
        var name = new Argument<string>("name") { Description = "What the key is for." };
        var options = new KeyOptions();
        var command = options.AddTo(new Command("create", "Make a key; it is shown once.") { name,
            SharedOptions.Json });
        return command.DoesAtGateway(screen, async (admin, parsed, cancellation) =>
        {
            var body = options.Read(parsed);
            body["name"] = parsed.GetValue(name)!;
            _ = body.TryAdd("budget", "1.00");
            return AdminAccess.Print(await admin.PostAsync(Path, body, cancellation), parsed, screen);
        });
    }

    private static Command List(Screen screen)
    {
        var command = new Command("list", "Show all keys with their limits and what they have spent.")
        {
            SharedOptions.Json,
        };
        return command.DoesAtGateway(screen, async (admin, parsed, cancellation) =>
        {
            var answer = await admin.GetAsync(Path, cancellation);
            if (parsed.GetValue(SharedOptions.Json) || !answer.TryGet(out var json, out _))
            {
                return AdminAccess.Print(answer, parsed, screen);
            }

            screen.Table(
                [
                    ("NAME", false), ("KEY", false), ("BUDGET", true), ("SPENT", true), ("RESERVED", true),
                    ("PER DAY", true), ("TODAY", true), ("RPM", true), ("TPM", true), ("STATE", false),
                ],
                [.. json.GetProperty("keys").EnumerateArray().Select(Row)]);
            return ExitCodes.Ok;
        });
    }

    private static Command Set(Screen screen)
    {
        var key = KeyArgument();
        var name = new Option<string?>("--name") { Description = "Another name." };
        var options = new KeyOptions();
        var command = options.AddTo(
            new Command("set", "Change a key's budget and limits, from its next request on.")
            {
                key, name, SharedOptions.Json,
            });
        return command.DoesAtGateway(screen, async (admin, parsed, cancellation) =>
        {
            var body = options.Read(parsed);
            if (parsed.GetValue(name) is { } other)
            {
                body["name"] = other;
            }

            return (await FindAsync(admin, parsed.GetValue(key)!, cancellation)).TryGet(out var hash, out var refusal)
                ? AdminAccess.Print(await admin.PatchAsync($"{Path}/{hash}", body, cancellation), parsed, screen)
                : Guarded.Reply(parsed, screen).Refuse(refusal);
        });
    }

    private static Command Revoke(Screen screen)
    {
        var key = KeyArgument();
        var command = new Command("revoke", "Revoke a key at once; answers that it runs are ended.")
        {
            key, SharedOptions.Json,
        };
        return command.DoesAtGateway(screen, async (admin, parsed, cancellation) =>
            (await FindAsync(admin, parsed.GetValue(key)!, cancellation)).TryGet(out var hash, out var refusal)
                ? AdminAccess.Print(await admin.DeleteAsync($"{Path}/{hash}", cancellation), parsed, screen)
                : Guarded.Reply(parsed, screen).Refuse(refusal));
    }

    private static Argument<string> KeyArgument() => new("key")
    {
        Description = "The key's name or hash, or the beginning of its hash, as 'keys list' shows it.",
    };

    // Revoked keys keep their names, so a name means the key that still works.
    private static async Task<Result<string>> FindAsync(
        AdminLink admin, string wanted, CancellationToken cancellation)
    {
        if (!(await admin.GetAsync(Path, cancellation)).TryGet(out var json, out var refusal))
        {
            return refusal;
        }

        var keys = json.GetProperty("keys").EnumerateArray().ToList();
        var found = keys.Where(key => Text(key, "name") == wanted && !key.GetProperty("revoked").GetBoolean())
            .Concat(keys.Where(key => wanted.StartsWith("0x", StringComparison.Ordinal) && wanted.Length > 5
                && Text(key, "hash").StartsWith(wanted, StringComparison.OrdinalIgnoreCase)))
            .Select(key => Text(key, "hash")).Distinct(StringComparer.Ordinal).ToList();
        return found.Count switch
        {
            1 => found[0],
            0 => new Refusal(
                Fault.Theirs, "key_unknown", $"No key is called '{wanted}' or has such a hash; see 'souk keys list'."),
            _ => new Refusal(
                Fault.Theirs, "key_ambiguous", $"{found.Count} keys are called '{wanted}': give the hash instead."),
        };
    }

    private static string[] Row(JsonElement key) =>
    [
        Text(key, "name"), Text(key, "hash")[..12], Text(key, "budget"), Text(key, "spent"), Text(key, "reserved"),
        Text(key, "budget_per_day"), Text(key, "spent_today"), Text(key, "requests_per_minute"),
        Text(key, "tokens_per_minute"), State(key),
    ];

    private static string State(JsonElement key) => key.GetProperty("revoked").GetBoolean() ? "revoked"
        : key.GetProperty("expires_at") is { ValueKind: JsonValueKind.Number } at
        ? "expires " + DateTimeOffset.FromUnixTimeSeconds(at.GetInt64())
            .ToString("yyyy-MM-dd HH:mm'Z'", System.Globalization.CultureInfo.InvariantCulture)
        : "good";

    private static string Text(JsonElement key, string name) =>
        key.GetProperty(name) is { ValueKind: not JsonValueKind.Null } value ? value.ToString() : "-";
}
