using System.CommandLine;
using System.Text;
using Souk.Cli.Commands;
using Souk.Cli.DevChain;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Engines;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Cli.Doctor;

/// <summary><c>doctor</c>: looks at everything that a node needs, and says what to do.</summary>
internal static class DoctorCommand
{
    private const int TrialTokens = 4;

    private static readonly Option<bool> NoEngine = new(
        "--no-engine") { Description = "Do not load and try the engine." };

    public static Command Doctor(Screen screen)
    {
        var command = new Command("doctor", "Check chain, contracts, funds, engine, clock, ports and reachability.")
        {
            SharedOptions.Network, SharedOptions.PortBase, NoEngine, SharedOptions.Json,
        };
        EngineOptions.AddTo(command);
        return command.Does(screen, async (parsed, cancellation) =>
        {
            var findings = await ExamineAsync(parsed, TimeProvider.System, cancellation);
            Show(findings, parsed.GetValue(SharedOptions.Json), screen);
            return findings.All(finding => finding.IsOk) ? ExitCodes.Ok : ExitCodes.Failed;
        });
    }

    private static async Task<List<Finding>> ExamineAsync(
        ParseResult parsed, TimeProvider time, CancellationToken cancellation)
    {
        var data = new DataDirectory(parsed.GetValue(SharedOptions.Data)!);
        List<Finding> findings =
        [
            MachineChecks.Folder(data),
            await MachineChecks.NodeAsync("node", time, cancellation),
            await MachineChecks.AnvilAsync(AnvilProcess.Find(), time, cancellation),
        ];
        var isChosen = parsed.GetValue(SharedOptions.PortBase) is not null;
        findings.AddRange(MachineChecks.Ports(data, isChosen ? SharedOptions.Ports(parsed) : null));
        foreach (var role in new[] { "gateway", "provider", "watch" })
        {
            findings.AddRange(await MachineChecks.LedgerAsync(data, role, cancellation) is { } ledger ? [ledger] : []);
        }

        findings.AddRange(await ExposureCheck.RunAsync(data, cancellation));
        findings.AddRange(await ClaimCheck.RunAsync(data, cancellation));
        var source = await NetworkSource.ReadAsync(data, parsed.GetValue(SharedOptions.Network), cancellation);
        if (source.TryGet(out var network, out var refusal))
        {
            findings.Add(Finding.Ok("network", $"chain {network.ChainId}, registry {network.Registry}"));
            var checks = new NetworkChecks(data, network, time);
            var chain = await checks.ChainAsync(cancellation);
            findings.AddRange(chain);
            if (chain.All(finding => finding.IsOk))
            {
                findings.AddRange(await checks.FundsAsync(cancellation));
                findings.AddRange(await checks.EndpointAsync(cancellation));
            }

            findings.AddRange(await checks.PeersAsync(cancellation));
        }
        else
        {
            findings.Add(
                Finding.Problem("network", refusal.Message, "Without a network nothing can be bought or sold."));
        }

        if (!parsed.GetValue(NoEngine))
        {
            findings.Add(await EngineAsync(EngineOptions.Choice(parsed), cancellation));
        }

        return findings;
    }

    private static async Task<Finding> EngineAsync(EngineChoice choice, CancellationToken cancellation)
    {
        const string Advice = "Put that right, or choose another engine with --model DIR or --upstream URL.";
        if (!(await choice.LoadAsync(cancellation)).TryGet(out var loaded, out var refusal))
        {
            return Finding.Problem("engine", refusal.Message, Advice);
        }

        await using var engine = loaded.Engine;
        byte[] body = Encoding.UTF8.GetBytes(
            $$"""{"model":"m","messages":[{"role":"user","content":"Hello"}],"max_tokens":{{TrialTokens}}}""");
        var chat = ChatRequest.Parse(body).Value;
        var request = new EngineRequest(
            chat, body, SamplingKey.FromSeed(1), RequestSampling.Of(chat), TrialTokens, [], 1, "doctor");
        try
        {
            var tokens = 0;
            await foreach (var step in engine.GenerateAsync(request, cancellation))
            {
                tokens += step is Finished done ? done.OutputTokens : 0;
            }

            return Finding.Ok(
                "engine", $"{engine.Model.Name} on {engine.Model.EngineName} answered with {tokens} tokens");
        }
        catch (EngineException failed)
        {
            return Finding.Problem("engine", failed.Message, Advice);
        }
    }

    private static void Show(List<Finding> findings, bool isJson, Screen screen)
    {
        if (isJson)
        {
            new Report(screen, isJson).Show(
                ("ok", findings.All(finding => finding.IsOk)),
                ("checks", findings.Select(finding => new Dictionary<string, object?>
                {
                    ["check"] = finding.Name, ["ok"] = finding.IsOk, ["found"] = finding.Text,
                    ["advice"] = finding.Advice,
                }).ToList()));
            return;
        }

        foreach (var finding in findings)
        {
            screen.Verdict(finding.IsOk, finding.Name, finding.Text, finding.Advice);
        }
    }
}
