using System.Text.Json.Nodes;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Simulation.World;

/// <summary>What an app saw of one try.</summary>
internal sealed record Seen(AppAct Act, AppReply Reply)
{
    /// <summary>By which the gateway's books know it.</summary>
    public RequestId? Request =>
        Reply.Headers["x-request-id"] is { } id && RequestId.TryParse(id["req_".Length..], out var request)
            ? request
            : null;
}

/// <summary>The apps of a script: they ask, hang up, and try again where an SDK would.</summary>
internal sealed class Apps(Script script, MarketHarness market)
{
    private const int Tries = 3;
    private readonly List<Seen> _seen = [];
    private readonly List<AppClient> _clients = [market.App];

    public IReadOnlyList<Seen> Seen => _seen;

    public async Task MakeKeysAsync()
    {
        foreach (var budget in script.Budgets.Skip(1))
        {
            var key = await market.Gateway.CreateKeyAsync($"key {_clients.Count}", budget, null);
            _clients.Add(market.AppWith(key.Value.Secret));
        }
    }

    public Task RunAsync() => Task.WhenAll(script.Acts.Select(RunAsync));

    /// <summary>One plain request, which has to work.</summary>
    public Task<AppReply> ProbeAsync() => market.App.ChatAsync(body => body["max_tokens"] = 2);

    private async Task RunAsync(AppAct act)
    {
        await Task.Delay(act.At, market.Time);
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            using var patience = act.LeavesAfter is { } leaves
                ? new CancellationTokenSource(leaves, market.Time)
                : new CancellationTokenSource();
            market.Engine.Tokens = act.Answer;
            var reply = await _clients[act.Key % _clients.Count].ChatAsync(body => Ask(act, body), patience.Token);
            _seen.Add(new Seen(act, reply));
            market.Scheduler.Trace.Record("app", $"{act.Number} {reply.Status} {reply.IsBroken} {reply.Text}");
            if (patience.IsCancellationRequested || !(reply.IsBroken || IsRetried(reply.Status)))
            {
                return;
            }

            await Task.Delay(TimeSpan.FromSeconds(1 << attempt), market.Time);
        }
    }

    /// <summary>Whether SDKs try again after such a status.</summary>
    public static bool IsRetried(int status) => status is 408 or 409 or 429 or >= 500;

    private static void Ask(AppAct act, JsonObject body)
    {
        body["messages"] = new JsonArray(
            new JsonObject { ["role"] = "user", ["content"] = new string('q', act.PromptLetters) });
        body["stream"] = act.IsStream;
        if (act.IsStream)
        {
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
        }

        if (act.MaxTokens is { } most)
        {
            body["max_tokens"] = most;
        }

        if (act.Choices > 1)
        {
            body["n"] = act.Choices;
        }
    }
}
