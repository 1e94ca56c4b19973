using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Souk.Engines.Upstream;

/// <summary>Certificates that the operator named in a PEM file, beside those that the machine trusts: the server's own
/// where it signed that itself, or the authority that signed it. Its name and dates must still fit.</summary>
internal sealed class TrustedCertificates
{
    private readonly X509Certificate2Collection trusted = [];

    public TrustedCertificates(string pemFile) => trusted.ImportFromPemFile(pemFile);

    public bool Accepts(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
        {
            return true;
        }

        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || shown is null || chain is null)
        {
            return false;
        }

        using var server = new X509Certificate2(shown);
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(trusted);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var element in chain.ChainElements)
        {
            own.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return own.Build(server);
    }
}
