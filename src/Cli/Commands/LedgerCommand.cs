using System.CommandLine;
using System.Globalization;
using Souk.Chain;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Repair;
using Souk.Protocol;

namespace Souk.Cli.Commands;

/// <summary><c>ledger</c>: looks at the ledgers of stopped roles, compares them with the chain, and goes on with what
/// is left of a damaged one.</summary>
internal static class LedgerCommand
{
    private const int MostPerRead = 256;

    public static Command Ledger(Screen screen) =>
        new("ledger", "Check and repair what the gateway and the provider remember of money.")
        {
            Make(screen, "check", "Verify a stopped role's ledger and compare it with the chain. Changes nothing.",
                false),
            Make(
                screen, "repair", "Go on with what is left of a damaged ledger; the damaged files are kept beside it.",
                true),
        };

    private static Command Make(Screen screen, string name, string description, bool repairs)
    {
        var role = new Argument<string>("role") { Description = "gateway or provider." };
        role.AcceptOnlyFromAmong("gateway", "provider");
        return new Command(name, description) { role, SharedOptions.Network, SharedOptions.Json }.Does(
            screen, (parsed, cancellation) =>
            {
                var run = new Run(
                    new DataDirectory(parsed.GetValue(SharedOptions.Data)!), parsed.GetValue(SharedOptions.Network),
                    repairs, Guarded.Reply(parsed, screen));
                return parsed.GetValue(role) == "gateway"
                    ? run.LookAsync(
                        "gateway", Menders.Customer,
                        book => book.Channels.Values.Where(channel => channel.State != CustomerChannelState.Closed)
                            .ToDictionary(channel => channel.Id, channel => channel.Base + channel.Loss), cancellation)
                    : run.LookAsync(
                        "provider", Menders.Provider,
                        book => book.Channels.Values.ToDictionary(channel => channel.Id, channel => channel.Base),
                        cancellation);
            });
    }

    private sealed record Run(DataDirectory Data, string? Network, bool Repairs, Report Reply)
    {
        public async Task<int> LookAsync<TBook>(
            string role, Mender<TBook> mender, Func<TBook, Dictionary<Bytes32, Amount>> explained,
            CancellationToken cancellation)
            where TBook : class, IBook<TBook>
        {
            var path = Data.Ledger(role);
            if (!File.Exists(path))
            {
                return Reply.Refuse(new Refusal(Fault.Theirs, "no_ledger", $"There is no ledger at {path}."));
            }

            var now = (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            var found = Repairs
                ? await LedgerRepair.RepairAsync(path, mender, now)
                : await LedgerRepair.CheckAsync(path, mender, now);
            var (doubts, chain) = await CompareAsync(explained(found.Book), cancellation);
            List<MoneyInDoubt> all = [.. found.Doubts, .. doubts];
            Reply.Show(
                ("ledger", path),
                ("state", found.Why is null ? "whole" : Repairs ? "repaired" : "damaged"),
                ("reason", found.Why?.Message),
                ("rows", found.Kept),
                ("rows_lost", Ranges(found.Lost)),
                ("rows_unfit", found.Unfit),
                ("chain", chain),
                ("money_in_doubt", all.Aggregate(Amount.Zero, (sum, doubt) => sum + doubt.Amount).ToString()),
                ("doubts", all.Select(doubt => (IReadOnlyDictionary<string, object?>)new Dictionary<string, object?>
                {
                    ["of"] = doubt.Of.ToString(), ["amount"] = doubt.Amount.ToString(), ["what"] = doubt.What,
                }).ToList()));
            return (Repairs || found.Why is null) && doubts.Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        }

        private async Task<(List<MoneyInDoubt> Doubts, string Chain)> CompareAsync(
            Dictionary<Bytes32, Amount> explained, CancellationToken cancellation)
        {
            var opened = await NetworkSession.OpenAsync(Data.Root, Network, TimeProvider.System, cancellation);
            if (!opened.TryGet(out var session, out var refusal))
            {
                return ([], $"not compared: {refusal.Message}");
            }

            await using (session)
            {
                List<MoneyInDoubt> doubts = [];
                foreach (var ids in explained.Keys.Order().Chunk(MostPerRead))
                {
                    var read = await session.Chain.ChannelsAsync(ids, ReadPoint.Newest, cancellation);
                    if (!read.TryGet(out var states, out refusal))
                    {
                        return (doubts, $"not compared: {refusal.Message}");
                    }

                    doubts.AddRange(states.Value.Where(state => state.Claimed > explained[state.Id]).Select(
                        state => new MoneyInDoubt(
                            state.Id, state.Claimed - explained[state.Id],
                            "claimed on the chain, and no receipt here explains it")));
                }

                return (doubts, string.Create(
                    CultureInfo.InvariantCulture, $"{explained.Count} channels compared"));
            }
        }

        private static string Ranges(IReadOnlyList<(long First, long Last)> lost) => lost.Count == 0
            ? "none"
            : string.Join(", ", lost.Select(range => range.First == range.Last
                ? range.First.ToString(CultureInfo.InvariantCulture)
                : string.Create(CultureInfo.InvariantCulture, $"{range.First} to {range.Last}")));
    }
}
