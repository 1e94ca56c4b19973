using System.Numerics;
using OpenAI.Chat;
using Souk.EndToEnd.Processes;
using Souk.EndToEnd.Reading;

namespace Souk.EndToEnd;

/// <summary>Stopping in order and being killed: the money is right either way.</summary>
public sealed class StopAndResumeTests : IAsyncLifetime
{
    private readonly string _folder = SoukProcess.NewFolder();
    private SoukProcess? _up;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_up is not null)
        {
            await _up.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Down_stops_in_order_and_the_next_up_goes_on_with_the_same_key_and_balance()
    {
        await UpAsync(isQuiet: true);
        var key = _up!.ApiKey;
        await Load.Client(_up.BaseUrl, key).CompleteChatAsync(new UserChatMessage("What is 5 plus 6?"));
        var spent = await SpentAsync();
        Assert.True(spent > 0);
        using var chain = _up.Chain();
        Assert.NotNull(chain);
        Assert.Equal(0, (await SoukProcess.RunAsync("down", "--data", _folder)).Code);
        Assert.Equal(0, await _up.EndedAsync());
        Assert.True(chain.HasExited);
        Assert.Equal(3, (await SoukProcess.RunAsync("down", "--data", _folder)).Code);

        await UpAsync(isQuiet: true);
        Assert.Equal(key, _up.ApiKey);
        Assert.Equal(spent, await SpentAsync());
        await Load.Client(_up.BaseUrl, key).CompleteChatAsync(new UserChatMessage("What is 6 plus 6?"));
        Assert.True(await SpentAsync() > spent);
        Assert.Equal(0, await _up.StopAsync());
    }

    [Fact]
    public async Task Ctrl_C_that_reaches_the_chain_first_still_stops_in_order()
    {
        await UpAsync(isQuiet: true);
        await Load.Client(_up!.BaseUrl, _up.ApiKey).CompleteChatAsync(new UserChatMessage("What is 5 plus 6?"));
        var spent = await SpentAsync();
        using var chain = _up.Chain()!;

        // A terminal tells every process of the command at once, and the chain's may be gone before ours hears of it.
        Assert.Equal(0, await _up.InterruptAsync(chain));

        Assert.True(chain.HasExited);
        Assert.DoesNotContain("by itself", _up.Output, StringComparison.Ordinal);
        await UpAsync(isQuiet: true);
        Assert.Equal(spent, await SpentAsync());
        Assert.Equal(0, await _up.StopAsync());
    }

    [Fact]
    public async Task Killed_at_random_moments_under_load_the_next_up_has_every_balance_right()
    {
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        BigInteger told = 0;
        // The program alone, so that its chain is left an orphan; the chain alone; both.
        foreach (var (isProgram, isChain) in new[] { (true, false), (false, true), (true, true) })
        {
            await UpAsync(isQuiet: true);
            await using (var load = new Load(_up!.BaseUrl, _up.ApiKey, 4))
            {
                while (load.Asked < 8)
                {
                    await Task.Delay(20);
                }

                await Task.Delay(random.Next(2000));
                await _up.KillAsync(isProgram, isChain);
                if (!isProgram)
                {
                    Assert.Equal(1, await _up.EndedAsync());
                }

                told += load.Costs.Aggregate(BigInteger.Zero, (sum, cost) => sum + AdminReader.Units(cost));
            }
        }

        // This time the provider claims and settles all it has.
        await UpAsync(isQuiet: false);
        using var admin = new AdminReader(_up!.AdminUrl, _up.AdminToken);
        await admin.SettleDownAsync();
        await new Books(_folder).CheckAsync(_up);
        Assert.True(told > 0 && told <= await SpentAsync());
    }

    private async Task UpAsync(bool isQuiet)
    {
        if (_up is not null)
        {
            // Only the handle: what is left of a killed network is for the next up to clear away.
            Assert.True(_up.HasExited);
        }

        _up = await SoukProcess.UpAsync(_folder, isQuiet, _up?.PortBase);
    }

    private async Task<BigInteger> SpentAsync()
    {
        using var admin = new AdminReader(_up!.AdminUrl, _up.AdminToken);
        var keys = await admin.GetAsync("/admin/v1/keys");
        return AdminReader.Units(keys.GetProperty("keys")[0].GetProperty("spent").GetString()!);
    }
}
