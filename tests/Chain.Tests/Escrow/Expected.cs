using Souk.Testbed.Chain;

namespace Souk.Chain.Tests.Escrow;

/// <summary>What the model says of one call: the error's name or null, and all numbers afterwards.</summary>
internal sealed record Expected(Step Step, string? Error, IReadOnlyList<UInt128> State);

/// <summary>The plain model of the specification: the one by which the simulated chain of the other tests
/// goes.</summary>
internal static class Model
{
    /// <summary>Plays a sequence of so many calls.</summary>
    public static IReadOnlyList<Expected> Play(Cast cast, int seed, int calls)
    {
        var maker = new SequenceMaker(cast, seed, ReceiveRules.Currency(cast.Network));
        var books = new ChainBooks();
        List<Expected> all = [];
        for (var i = 0; i < calls; i++)
        {
            var step = maker.Next(books);
            string? error = null;
            try
            {
                books = books.Apply(step.Modelled, new Acting(cast.Network, step.Sender, step.Time));
            }
            catch (RevertException refused)
            {
                error = refused.Name;
            }

            all.Add(new Expected(step, error, Numbers(cast, books)));
        }

        return all;
    }

    /// <summary>Every number that the contracts keep on these channels, receivers and accounts, in a fixed
    /// order.</summary>
    private static List<UInt128> Numbers(Cast cast, ChainBooks books) =>
    [
        .. cast.Watched.SelectMany(channel =>
        {
            var known = books.Channels.GetValueOrDefault(channel.Id(cast.Network.EscrowDomain))?.State;
            return known is null
                ? new UInt128[5]
                :
                [
                    known.Balance.Units, known.Claimed.Units, known.Withdrawal?.Amount.Units ?? 0,
                    known.Withdrawal?.InitiatedAt ?? 0, known.RefundNonce,
                ];
        }),
        .. cast.Accounts.SelectMany(account =>
        {
            var sums = books.Receivers.GetValueOrDefault(account);
            return new[] { sums?.Claimed.Units ?? 0, sums?.Settled.Units ?? 0, books.BalanceOf(account).Units };
        }),
        books.BalanceOf(cast.Network.Escrow).Units,
    ];
}
