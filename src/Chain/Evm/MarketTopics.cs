using Souk.Chain.Bindings;
using Souk.Chain.Following;
using Souk.Chain.Rpc;
using Souk.Protocol;

namespace Souk.Chain.Evm;

/// <summary>Which logs concern the market, and what each of them says has changed.</summary>
internal sealed class MarketTopics
{
    private readonly NetworkFile _network;
    private readonly HashSet<Address> _vaults;

    public MarketTopics(NetworkFile network, IReadOnlyList<Address> vaults)
    {
        _network = network;
        _vaults = [.. vaults];
        var filters = new List<EvmLogFilter> { new([network.Escrow, network.Registry, .. vaults], []) };
        if (vaults.Count > 0)
        {
            // Anyone may send currency to a vault, and only the currency's own log shows it.
            var recipients = vaults.Select(AsTopic).ToList();
            filters.Add(new EvmLogFilter(
                [network.Currency], [[DevelopmentCurrencyContract.TransferEvent.Topic], [], recipients]));
        }

        Filters = filters;
    }

    public IReadOnlyList<EvmLogFilter> Filters { get; }

    /// <summary>The advance in the market's words. Logs only point: malformed ones point nowhere.</summary>
    public ChainNews News(ChainAdvance advance)
    {
        var channels = new SortedSet<Bytes32>();
        var providers = new SortedSet<Address>();
        var vaults = new SortedSet<Address>();
        foreach (var log in advance.Logs)
        {
            if (_vaults.Contains(log.Contract))
            {
                vaults.Add(log.Contract);
            }
            else if (log.Contract == _network.Currency && log.Topics.Count == 3)
            {
                vaults.Add(AsAddress(log.Topics[2]));
            }
            else if (log.Contract == _network.Registry && log.Topics.Count > 1)
            {
                // The first topic of each of the registry's events is the provider.
                providers.Add(AsAddress(log.Topics[1]));
            }
            else if (log.Contract == _network.Escrow && log.Topics.Count > 1
                && log.Topics[0] != BatchSettlementContract.SettledEvent.Topic)
            {
                // The first topic of each of the escrow's events is the channel, except of Settled.
                channels.Add(log.Topics[1]);
            }
        }

        return new ChainNews(advance.Newest, advance.IsReset, [.. channels], [.. providers], [.. vaults]);
    }

    private static Bytes32 AsTopic(Address address)
    {
        Span<byte> word = stackalloc byte[Bytes32.Size];
        word.Clear();
        address.CopyTo(word[12..]);
        return Bytes32.FromBytes(word);
    }

    private static Address AsAddress(Bytes32 topic) => Address.FromBytes(topic.ToBytes().AsSpan(12));
}
