using Souk.Chain.Tests.Nodes;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Tests.Transactions;

/// <summary>Transactions that are worth nothing after a deadline.</summary>
public sealed class HurryTests
{
    private static readonly Address Somebody = Address.Parse("0x00000000000000000000000000000000000000bb");

    private static readonly SenderOptions Options = new()
    {
        PollInterval = TimeSpan.FromMilliseconds(50), GiveUpAfter = TimeSpan.FromSeconds(20), ReplaceAfterBlocks = 99,
        GreatestFee = 5_000_000_000,
    };

    [Theory]
    [InlineData(899, 100)]
    [InlineData(900, 200)]
    [InlineData(950, 400)]
    [InlineData(975, 800)]
    [InlineData(2_000, 800)]
    public void The_nearer_the_deadline_the_more_is_offered(ulong now, uint percent) =>
        Assert.Equal(percent, new Hurry(1_000, 100, 0).Percent(now));

    [Fact]
    public async Task In_haste_it_is_replaced_at_the_next_block_and_beyond_the_usual_limit()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Options);
        var hurry = new Hurry(Now() + 30, 60, 10_000_000_000_000_000);
        var sending = sender.SendAsync(Somebody, default, 5, default, null, hurry);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "the transaction is in the pool");

        await RaiseBaseFeeAsync(anvil, sending, 20_000_000_000);
        var receipt = (await sending).Value;

        Assert.True(receipt.GasPrice >= 20_000_000_000, $"paid {receipt.GasPrice}");
        Assert.True(receipt.Fee <= hurry.MostFee, $"paid {receipt.Fee}");
    }

    [Fact]
    public async Task It_never_costs_more_than_it_is_worth()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Options);

        // A millionth of a gwei for each of its 21,000 units.
        var sent = await sender.SendAsync(Somebody, default, 5, default, null, new Hurry(Now(), 60, 21_000_000));

        Assert.Equal(ChainRefusals.GasTooExpensive, sent.Refusal!.Code);
    }

    private static ulong Now() => (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    private static async Task RaiseBaseFeeAsync(AnvilProcess anvil, Task until, ulong wei) =>
        await Waiting.UntilAsync(
            async () =>
            {
                await anvil.CallAsync("anvil_setNextBlockBaseFeePerGas", AnvilProcess.Quantity(wei));
                await anvil.MineAsync();
                return until.IsCompleted;
            },
            "the sending ends");
}
