using System.CommandLine;
using System.Text.Json;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Protocol;

namespace Souk.Cli.Commands;

/// <summary>The owner's access to what runs on a data folder.</summary>
internal static class AdminAccess
{
    /// <summary>A link to the gateway's admin API, or null after saying that nothing runs.</summary>
    public static AdminLink? Open(ParseResult parsed, Screen screen)
    {
        var data = new DataDirectory(parsed.GetValue(SharedOptions.Data)!);
        if (Find(data, "gateway") is { } link)
        {
            return link;
        }

        screen.Error(NothingRuns(data));
        return null;
    }

    /// <summary>A link to the owner's door of a role that runs here; null where none does.</summary>
    public static AdminLink? Find(DataDirectory data, string role) =>
        // A whole network has no watchtower in it.
        (role == "watch" ? RunningFile.Find(data, role, out _) : RunningFile.Find(data, role)) is { } running
        && DataDirectory.Read(data.AdminToken) is { } token
            ? new AdminLink(RoleHosts.Url("http", running.Ports.Admin), token)
            : null;

    /// <summary>Sets the action of a command that talks to the gateway that runs here.</summary>
    public static Command DoesAtGateway(
        this Command command, Screen screen, Func<AdminLink, ParseResult, CancellationToken, Task<int>> action) =>
        command.Does(screen, async (parsed, cancellation) =>
        {
            if (Open(parsed, screen) is not { } admin)
            {
                return ExitCodes.NotRunning;
            }

            using (admin)
            {
                return await action(admin, parsed, cancellation);
            }
        });

    /// <summary>What to say where nothing runs.</summary>
    public static string NothingRuns(DataDirectory data) =>
        $"No gateway runs on {data.Root}. Start a whole network with 'souk up', or a gateway with 'souk gateway'.";

    /// <summary>Prints an answer of the admin API: its fields for people, or the JSON itself.</summary>
    public static int Print(Result<JsonElement> answer, ParseResult parsed, Screen screen)
    {
        var reply = Guarded.Reply(parsed, screen);
        return answer.TryGet(out var json, out var refusal)
            ? reply.Show(json.EnumerateObject().ToDictionary(field => field.Name, field => (object?)field.Value))
            : reply.Refuse(refusal);
    }
}
