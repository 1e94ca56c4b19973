using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Souk.Protocol;

namespace Souk.Wire.Http;

/// <summary>
/// Opens a connection to one peer: to an address that the policy allows, and accepts only the pinned key.
/// </summary>
internal sealed class PeerConnector(PeerTarget target, WireClientOptions options, TimeProvider time)
{
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.ConnectTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            var stream = await new JudgedConnector(IsAllowed, options.Resolve).OpenAsync(
                target.Endpoint.IdnHost, target.Endpoint.Port, both.Token);
            try
            {
                return target.SpkiHash is { } pin ? await SecureAsync(stream, Pinned(pin), both.Token)
                    : target.IsWeb ? await SecureAsync(stream, Web(), both.Token)
                    : stream;
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

    private bool IsSecure => target.SpkiHash is not null || target.IsWeb;

    private bool IsAllowed(IPAddress address) => options.AllowsPrivateAddresses
        ? IsSecure || AddressPolicy.IsLoopback(address)
        : IsSecure && AddressPolicy.IsPublic(address);

    // What the authorities of this machine vouch for under the name asked for.
    private TlsTerms Web() => new(
        new SslClientAuthenticationOptions
        {
            TargetHost = target.Endpoint.IdnHost,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        },
        static () => false);

    private static TlsTerms Pinned(Bytes32 pin)
    {
        var isForeign = false;
        return new TlsTerms(
            new SslClientAuthenticationOptions
            {
                TargetHost = NodeCertificate.ServerNameOf(pin),
                EnabledSslProtocols = SslProtocols.Tls13,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                // The chain is ignored, and building it must not fetch anything from addresses named in the
                // certificate.
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
            },
            () => isForeign);
    }

    private static async Task<Stream> SecureAsync(Stream plain, TlsTerms terms, CancellationToken cancellation)
    {
        var tls = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            await tls.AuthenticateAsClientAsync(terms.Options, cancellation);
            return tls;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            throw terms.IsForeign()
                ? new WireException(
                    Fault.Theirs, WireCodes.PinMismatch, "The peer's certificate is not the one its offer states.", e)
                : new WireException(
                    Fault.Theirs, WireCodes.TlsFailed, "No secure connection could be agreed with the peer.", e);
        }
    }

    /// <summary>How to secure a connection, and whether it failed because the certificate was another.</summary>
    private sealed record TlsTerms(SslClientAuthenticationOptions Options, Func<bool> IsForeign);
}
