using System.CommandLine;
using Souk.Cli.Output;

namespace Souk.Cli.Commands;

/// <summary><c>keys</c>: API keys of the gateway that runs here.</summary>
internal static class KeyCommands
{
    public static Command Keys(Screen screen) =>
        new("keys", "API keys: budgets inside the gateway owner's money.")
        {
            Create(screen), List(screen), Revoke(screen),
        };

    private static Command Create(Screen screen)
    {
        var name = new Argument<string>("name") { Description = "What the key is for." };
        var budget = new Option<string>("--budget")
        {
            Description = "All that it may ever spend, in whole currency.", DefaultValueFactory = _ => "1.00",
        };
        var expires = new Option<uint?>("--expires-in") { Description = "Seconds until it expires (default: never)." };
        var command = new Command(
            "create", "Make a key; it is shown once.") { name, budget, expires, SharedOptions.Json };
        return command.Does(screen, async (parsed, cancellation) =>
        {
            if (AdminAccess.Open(parsed, screen) is not { } admin)
            {
                return ExitCodes.NotRunning;
            }

            using (admin)
            {
                var body = new Dictionary<string, object>
                {
                    ["name"] = parsed.GetValue(name)!, ["budget"] = parsed.GetValue(budget)!,
                };
                if (parsed.GetValue(expires) is { } seconds)
                {
                    body["expires_in_seconds"] = seconds;
                }

                return AdminAccess.Print(await admin.PostAsync("/admin/v1/keys", body, cancellation), parsed, screen);
            }
        });
    }

    private static Command List(Screen screen)
    {
        var command = new Command("list", "Show all keys with what they have spent.") { SharedOptions.Json };
        return command.Does(screen, async (parsed, cancellation) =>
        {
            if (AdminAccess.Open(parsed, screen) is not { } admin)
            {
                return ExitCodes.NotRunning;
            }

            using (admin)
            {
                return AdminAccess.Print(await admin.GetAsync("/admin/v1/keys", cancellation), parsed, screen);
            }
        });
    }

    private static Command Revoke(Screen screen)
    {
        var hash = new Argument<string>("hash") { Description = "The key's hash, as 'keys list' shows it." };
        var command = new Command("revoke", "Revoke a key at once.") { hash, SharedOptions.Json };
        return command.Does(screen, async (parsed, cancellation) =>
        {
            if (AdminAccess.Open(parsed, screen) is not { } admin)
            {
                return ExitCodes.NotRunning;
            }

            using (admin)
            {
                return AdminAccess.Print(
                    await admin.DeleteAsync($"/admin/v1/keys/{parsed.GetValue(hash)}", cancellation), parsed, screen);
            }
        });
    }
}
