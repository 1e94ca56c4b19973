using System.Text;
using Souk.Protocol;

namespace Souk.Gateway.X402;

/// <summary>
/// The salt of a channel to an x402 server tells which server it is for, so that a draw which was signed before a crash
/// is known again: 8 bytes for all such servers, 8 of the server's URL, 16 random ones.
/// </summary>
internal static class SellerSalt
{
    private const int TagBytes = 8;
    private static readonly byte[] All = Sha.Hash("souk-x402-seller-1"u8).ToBytes()[..TagBytes];

    public static Bytes32 Next(string url, Randomness randomness)
    {
        byte[] salt = [.. All, .. Tag(url), .. randomness.NextBytes32().ToBytes()[..(Bytes32.Size - (2 * TagBytes))]];
        return Bytes32.FromBytes(salt);
    }

    /// <summary>Whether a channel is for any x402 server.</summary>
    public static bool IsSellers(Bytes32 salt) => salt.ToBytes().AsSpan(0, TagBytes).SequenceEqual(All);

    /// <summary>Whether it is for this one.</summary>
    public static bool IsOf(Bytes32 salt, string url) =>
        IsSellers(salt) && salt.ToBytes().AsSpan(TagBytes, TagBytes).SequenceEqual(Tag(url));

    private static byte[] Tag(string url) => Sha.Hash(Encoding.UTF8.GetBytes(url)).ToBytes()[..TagBytes];
}
