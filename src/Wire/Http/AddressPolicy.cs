using System.Net;
using System.Net.Sockets;

namespace Souk.Wire.Http;

/// <summary>
/// Which addresses a node may be told to connect to by somebody else. Peers choose their endpoints, so without this an
/// offer could aim a gateway at its own router or at a cloud's metadata service. Follows the IANA special-purpose
/// address registries (RFC 6890): whatever is not globally reachable is refused.
/// </summary>
public static class AddressPolicy
{
    private static readonly IPNetwork[] Refused4 = Networks(
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        // Azure's metadata and DNS service sits on a public address.
        "168.63.129.16/32");

    private static readonly IPNetwork GlobalUnicast6 = IPNetwork.Parse("2000::/3");

    // 6to4 and Teredo carry an IPv4 address inside and would be a way around the list above.
    private static readonly IPNetwork[] Refused6 = Networks(
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20");

    /// <summary>Whether an address is reachable from the whole internet.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return !Array.Exists(Refused4, n => n.Contains(address));
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6
            && address.ScopeId == 0
            && GlobalUnicast6.Contains(address)
            && !Array.Exists(Refused6, n => n.Contains(address));
    }

    /// <summary>Whether an address is this machine.</summary>
    public static bool IsLoopback(IPAddress address) =>
        IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static IPNetwork[] Networks(params string[] text) => Array.ConvertAll(text, IPNetwork.Parse);
}
