using System.Net;
using System.Net.Sockets;
using Souk.Protocol;

namespace Souk.Wire.Http;

/// <summary>
/// Opens connections to hosts that somebody else named. The name is asked for once, its addresses are judged, and the
/// very address that was judged is connected to: a name that changes its answer gains nothing.
/// </summary>
/// <param name="isAllowed">Which addresses may be connected to.</param>
/// <param name="resolve">What a name's addresses are; null asks this machine's resolver.</param>
public sealed class JudgedConnector(
    Func<IPAddress, bool> isAllowed, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
{
    /// <summary>A connection to a host's first allowed address that accepts one.</summary>
    /// <exception cref="WireException">
    /// <see cref="WireCodes.NameNotResolved"/>, <see cref="WireCodes.AddressRefused"/> or
    /// <see cref="WireCodes.ConnectFailed"/>.
    /// </exception>
    public async Task<Stream> OpenAsync(string host, int port, CancellationToken cancellation)
    {
        var allowed = Array.FindAll(await ResolveAsync(host, cancellation), address => isAllowed(address));
        if (allowed.Length == 0)
        {
            throw new WireException(
                Fault.Theirs,
                WireCodes.AddressRefused,
                "The endpoint points to a private or reserved address, which is not connected to on this network.");
        }

        SocketException? last = null;
        foreach (var address in allowed)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                last = e;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw new WireException(
            Fault.Theirs, WireCodes.ConnectFailed, "The peer's endpoint does not accept connections.", last);
    }

    private async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host.AsSpan().Trim("[]"), out var literal))
        {
            return [literal];
        }

        try
        {
            return await (resolve is null
                ? Dns.GetHostAddressesAsync(host, cancellation)
                : resolve(host, cancellation));
        }
        catch (SocketException e)
        {
            throw new WireException(
                Fault.Theirs, WireCodes.NameNotResolved, "The endpoint's name has no address.", e);
        }
    }
}
