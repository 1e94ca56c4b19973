using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.Commands;

/// <summary>Runs commands so that whatever fails reaches the person as a sentence.</summary>
internal static class Guarded
{
    /// <summary>Sets a command's action.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "The last resort of a program: the person sees a sentence.")]
    public static Command Does(
        this Command command, Screen screen, Func<ParseResult, CancellationToken, Task<int>> action)
    {
        command.SetAction(async (parsed, cancellation) =>
        {
            try
            {
                return await action(parsed, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return ExitCodes.Failed;
            }
            catch (Exception failed)
            {
                return Reply(parsed, screen).Refuse(new Refusal(Fault.Ours, "failed", failed.Message));
            }
        });
        return command;
    }

    /// <summary>Sets the action of a command that needs the network and its chain.</summary>
    public static Command DoesOnNetwork(
        this Command command, Screen screen, Func<NetworkSession, ParseResult, Report, CancellationToken,
        Task<int>> action) =>
        command.Does(screen, async (parsed, cancellation) =>
        {
            var reply = Reply(parsed, screen);
            var opened = await NetworkSession.OpenAsync(
                parsed.GetValue(SharedOptions.Data)!, parsed.GetValue(SharedOptions.Network), TimeProvider.System,
                cancellation);
            if (!opened.TryGet(out var session, out var refusal))
            {
                return reply.Refuse(refusal);
            }

            await using (session)
            {
                return await action(session, parsed, reply, cancellation);
            }
        });

    /// <summary>Where a command's answer goes, as text or JSON.</summary>
    public static Report Reply(ParseResult parsed, Screen screen) => new(screen, parsed.GetValue(SharedOptions.Json));
}
