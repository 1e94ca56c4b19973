using Souk.Protocol;

namespace Souk.Testbed.Market;

/// <summary>Everybody's keys, from the seed.</summary>
public sealed class MarketKeys(SeededRandomness randomness)
{
    public PrivateKey ProviderOwner { get; } = Next(randomness);

    public PrivateKey Payout { get; } = Next(randomness);

    public PrivateKey Node { get; } = Next(randomness);

    public PrivateKey Authorizer { get; } = Next(randomness);

    public PrivateKey Gas { get; } = Next(randomness);

    public PrivateKey VaultOwner { get; } = Next(randomness);

    public PrivateKey Hot { get; } = Next(randomness);

    public PrivateKey CatalogueSigner { get; } = Next(randomness);

    /// <summary>Somebody who has no part in the market.</summary>
    public PrivateKey Stranger { get; } = Next(randomness);

    private static PrivateKey Next(SeededRandomness randomness)
    {
        Span<byte> secret = stackalloc byte[32];
        randomness.Fill(secret);
        return PrivateKey.FromBytes(secret);
    }
}
