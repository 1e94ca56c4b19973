using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Souk.Protocol;

namespace Souk.Wire.Http;

/// <summary>
/// Opens a connection to one peer: resolves the name, refuses addresses that the policy refuses, connects to the very
/// address that was checked (so a name that changes its answer gains nothing), and accepts only the pinned key.
/// </summary>
internal sealed class PeerConnector(PeerTarget target, WireClientOptions options, TimeProvider time)
{
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.ConnectTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            var stream = await OpenAsync(both.Token);
            try
            {
                return target.SpkiHash is { } pin ? await SecureAsync(stream, pin, both.Token) : stream;
            }
            catch
            {
                await stream.DisposeAsync();
                throw;
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw new WireException(
                Fault.Theirs, WireCodes.ConnectTimeout, "The peer did not answer the connection in time.");
        }
    }

    private async Task<Stream> OpenAsync(CancellationToken cancellation)
    {
        var host = target.Endpoint.IdnHost;
        var addresses = await ResolveAsync(host, cancellation);
        var allowed = Array.FindAll(addresses, IsAllowed);
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
                await socket.ConnectAsync(new IPEndPoint(address, target.Endpoint.Port), cancellation);
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

    private bool IsAllowed(IPAddress address) => options.AllowsPrivateAddresses
        ? target.SpkiHash is not null || AddressPolicy.IsLoopback(address)
        : target.SpkiHash is not null && AddressPolicy.IsPublic(address);

    private static async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host.AsSpan().Trim("[]"), out var literal))
        {
            return [literal];
        }

        try
        {
            return await Dns.GetHostAddressesAsync(host, cancellation);
        }
        catch (SocketException e)
        {
            throw new WireException(
                Fault.Theirs, WireCodes.NameNotResolved, "The endpoint's name has no address.", e);
        }
    }

    private static async Task<Stream> SecureAsync(Stream plain, Bytes32 pin, CancellationToken cancellation)
    {
        var isForeign = false;
        var tls = new SslStream(plain, leaveInnerStreamOpen: false);
        var authentication = new SslClientAuthenticationOptions
        {
            TargetHost = NodeCertificate.ServerNameOf(pin),
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            // The chain is ignored, and building it must not fetch anything from addresses named in the certificate.
            CertificateChainPolicy = new X509ChainPolicy
            {
                DisableCertificateDownloads = true,
                RevocationMode = X509RevocationMode.NoCheck,
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                VerificationFlags = X509VerificationFlags.AllFlags,
            },
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                isForeign = certificate is not X509Certificate2 x || NodeCertificate.HashOf(x) != pin;
                return !isForeign;
            },
        };
        try
        {
            await tls.AuthenticateAsClientAsync(authentication, cancellation);
            return tls;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            throw isForeign
                ? new WireException(
                    Fault.Theirs, WireCodes.PinMismatch, "The peer's certificate is not the one its offer states.", e)
                : new WireException(
                    Fault.Theirs, WireCodes.TlsFailed, "No TLS 1.3 connection could be agreed with the peer.", e);
        }
    }
}
