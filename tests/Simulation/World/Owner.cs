using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Simulation.World;

/// <summary>Takes a channel's money back while it is owed for: through the gateway, or behind everybody's back.
/// </summary>
internal sealed class Owner(Script script, MarketHarness market)
{
    private static readonly TimeSpan TryAgain = TimeSpan.FromSeconds(3);

    /// <summary>The channel that is taken back.</summary>
    public Bytes32? Channel { get; private set; }

    public async Task WithdrawAsync(CancellationToken end)
    {
        await Task.Delay(script.WithdrawAt, market.Time, CancellationToken.None);
        while (!end.IsCancellationRequested)
        {
            var open = market.Chain.Channels
                .Where(channel => channel.State.Withdrawal is null && !channel.State.Available.IsZero)
                .OrderByDescending(channel => channel.State.Claimed).ThenBy(channel => channel.State.Id).ToList();
            foreach (var (config, state) in open)
            {
                if (await StartAsync(config, state))
                {
                    Channel = state.Id;
                    return;
                }
            }

            await Task.Delay(TryAgain, market.Time, CancellationToken.None);
        }
    }

    private async Task<bool> StartAsync(ChannelConfig config, ChannelState state)
    {
        if (!script.IsHostileWithdrawal)
        {
            var request = WireRequest.Json("POST", $"/admin/v1/channels/{state.Id}/withdraw", "{}"u8.ToArray());
            request.Headers["host"] = "127.0.0.1:7010";
            var reply = await market.Owner().SendAsync(request);
            return reply.Status == 200;
        }

        var outcome = await market.Chain.Account(market.Keys.VaultOwner).SubmitAsync(
            new VaultInitiateWithdraw(market.Vault, config, state.Available), CancellationToken.None);
        return outcome.IsOk;
    }

    /// <summary>Takes the money once the delay is over; begins again where a reorganisation undid the beginning.
    /// </summary>
    public async Task FinishAsync()
    {
        if (!script.IsHostileWithdrawal || Channel is not { } id)
        {
            return;
        }

        var account = market.Chain.Account(market.Keys.VaultOwner);
        while (!market.Chain.Channel(id).Available.IsZero)
        {
            var (config, state) = market.Chain.Channels.First(channel => channel.State.Id == id);
            if (state.Withdrawal is not { } pending)
            {
                await account.SubmitAsync(
                    new VaultInitiateWithdraw(market.Vault, config, state.Available), CancellationToken.None);
            }
            else if (market.Now >= pending.InitiatedAt + config.WithdrawDelay)
            {
                await account.SubmitAsync(
                    new VaultFinalizeWithdraw(market.Vault, config), CancellationToken.None);
            }

            await Task.Delay(TryAgain, market.Time);
        }
    }
}
