using System.Security.Cryptography;
using System.Text;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Cli.Hosting;

/// <summary>
/// What lets an owner in: the token, at a Host name of this machine, and without an Origin, so that no web page can use
/// a browser here to get in.
/// </summary>
internal sealed class OwnerToken(string token)
{
    private const string Bearer = "Bearer ";
    private readonly Bytes32 _hash = Sha.Hash(Encoding.UTF8.GetBytes(token));

    /// <summary>Whether a request is the owner's.</summary>
    public bool Allows(WireRequest request)
    {
        var host = request.Headers["host"] ?? "";
        var colon = host.LastIndexOf(':');
        var name = colon > host.LastIndexOf(']') ? host[..colon] : host;
        var given = request.Headers["authorization"] ?? "";
        var isOurs = name is "127.0.0.1" or "localhost" or "[::1]" && request.Headers["origin"] is null
            && given.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase);
        return isOurs && CryptographicOperations.FixedTimeEquals(
            Sha.Hash(Encoding.UTF8.GetBytes(given[Bearer.Length..].Trim())).ToBytes(), _hash.ToBytes());
    }
}
