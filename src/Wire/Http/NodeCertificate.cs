using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Souk.Protocol;

namespace Souk.Wire.Http;

/// <summary>
/// A node's self-signed P-256 certificate. Peers know it by the SHA-256 of its SubjectPublicKeyInfo alone: names,
/// validity and issuers mean nothing on a node link.
/// </summary>
public sealed class NodeCertificate : IDisposable
{
    private static readonly Oid P256 = ECCurve.NamedCurves.nistP256.Oid;

    private NodeCertificate(X509Certificate2 certificate)
    {
        Certificate = certificate;
        SpkiHash = HashOf(certificate);
        ServerName = ServerNameOf(SpkiHash);
    }

    /// <summary>The certificate with its private key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>SHA-256 of the SubjectPublicKeyInfo, as the offer states it.</summary>
    public Bytes32 SpkiHash { get; }

    /// <summary>The name by which a client asks for this certificate.</summary>
    public string ServerName { get; }

    /// <summary>
    /// Makes a new key and certificate, valid from a day before <paramref name="now"/> for ten years.
    /// </summary>
    public static NodeCertificate Create(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=souk", key, HashAlgorithmName.SHA256);
        var spki = Sha.Hash(request.PublicKey.ExportSubjectPublicKeyInfo());
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(ServerNameOf(spki));
        request.CertificateExtensions.Add(names.Build());
        return new(request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10)));
    }

    /// <summary>Reads the PEM text that <see cref="ToPem"/> wrote.</summary>
    /// <exception cref="CryptographicException">The text holds no certificate with its P-256 key.</exception>
    public static NodeCertificate FromPem(string pem)
    {
        var certificate = X509Certificate2.CreateFromPem(pem, pem);
        if (certificate.GetECDsaPrivateKey() is not { } key || !IsP256(key))
        {
            certificate.Dispose();
            throw new CryptographicException("The file holds no P-256 certificate with its private key.");
        }

        key.Dispose();
        return new(certificate);
    }

    /// <summary>The certificate and its private key as PEM text. Keep it where only the owner can read it.</summary>
    public string ToPem()
    {
        using var key = Certificate.GetECDsaPrivateKey()!;
        return $"{Certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
    }

    /// <summary>SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469, section 2.4).</summary>
    public static Bytes32 HashOf(X509Certificate2 certificate) =>
        Sha.Hash(certificate.PublicKey.ExportSubjectPublicKeyInfo());

    /// <summary>The server name to send for a pin: its first 32 hex digits, then <c>.souk</c>.</summary>
    public static string ServerNameOf(Bytes32 spkiHash) => string.Concat(spkiHash.ToString().AsSpan(2, 32), ".souk");

    /// <inheritdoc/>
    public void Dispose() => Certificate.Dispose();

    internal static bool IsP256(ECDsa key)
    {
        var curve = key.ExportParameters(false).Curve;
        return curve.IsNamed && (curve.Oid.Value ?? P256.Value) == P256.Value && key.KeySize == 256;
    }
}
