using Souk.Market.Offers;
using Souk.Market.Picking;
using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>What this gateway has seen of its providers since it started: requests under way, and prompt tokens
/// sent.</summary>
/// <param name="isResumed">True when earlier traffic is not known any more, so that a provider's cache may hold
/// anything.</param>
internal sealed class TrafficRecord(bool isResumed)
{
    private readonly Lock _guard = new();
    private readonly Dictionary<(Address Provider, Bytes32 Model), int> _inFlight = [];
    private readonly Dictionary<Address, ulong> _sent = [];

    /// <summary>Requests under way with all providers.</summary>
    public int InFlight
    {
        get
        {
            lock (_guard)
            {
                return _inFlight.Values.Sum();
            }
        }
    }

    /// <summary>What is measured of an offer's provider.</summary>
    public Measured? Measured(ListedOffer listed)
    {
        lock (_guard)
        {
            return Souk.Market.Picking.Measured.Nothing with
            {
                InFlight = _inFlight.GetValueOrDefault((listed.Offer.Provider, listed.Offer.ModelDigest)),
            };
        }
    }

    /// <summary>
    /// Prompt tokens sent to a provider so far, besides the prompt in question: the most that its cache can hold of
    /// this gateway. Asked when the receipt is there, since others may have been sent after this one and served before
    /// it.
    /// </summary>
    public ulong PromptTokensSent(Address provider, ulong besides)
    {
        lock (_guard)
        {
            return isResumed ? ulong.MaxValue : _sent.GetValueOrDefault(provider) - besides;
        }
    }

    public void Begin(Offer offer, ulong promptTokens)
    {
        lock (_guard)
        {
            var key = (offer.Provider, offer.ModelDigest);
            _inFlight[key] = _inFlight.GetValueOrDefault(key) + 1;
            _sent[offer.Provider] = _sent.GetValueOrDefault(offer.Provider) + promptTokens;
        }
    }

    public void End(Offer offer)
    {
        lock (_guard)
        {
            _inFlight[(offer.Provider, offer.ModelDigest)]--;
        }
    }
}
