using System.Security.Cryptography;
using Org.BouncyCastle.X509;
using Souk.Protocol;
using Souk.Wire.Http;

namespace Souk.Wire.Tests.Http;

public sealed class NodeCertificateTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_pin_is_the_hash_of_the_public_key_info_as_another_library_reads_it()
    {
        using var certificate = NodeCertificate.Create(Now);

        var other = new X509CertificateParser().ReadCertificate(certificate.Certificate.RawData);
        var spki = other.CertificateStructure.SubjectPublicKeyInfo;

        Assert.Equal(SHA256.HashData(spki.GetDerEncoded()), certificate.SpkiHash.ToBytes());
        // id-ecPublicKey with prime256v1 (RFC 5480).
        Assert.Equal("1.2.840.10045.2.1", spki.Algorithm.Algorithm.Id);
        Assert.Equal("1.2.840.10045.3.1.7", spki.Algorithm.Parameters.ToString());
        other.Verify(other.GetPublicKey());
    }

    [Fact]
    public void The_server_name_is_half_the_pin()
    {
        var pin = Bytes32.Parse("0x00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef");

        Assert.Equal("00112233445566778899aabbccddeeff.souk", NodeCertificate.ServerNameOf(pin));
    }

    [Fact]
    public void A_certificate_survives_its_file()
    {
        using var made = NodeCertificate.Create(Now);
        using var read = NodeCertificate.FromPem(made.ToPem());

        Assert.Equal(made.SpkiHash, read.SpkiHash);
        Assert.True(read.Certificate.HasPrivateKey);
    }

    [Fact]
    public void A_file_without_a_p256_key_is_refused()
    {
        using var made = NodeCertificate.Create(Now);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=x", p384, HashAlgorithmName.SHA384);
        using var other = request.CreateSelfSigned(Now, Now.AddYears(1));
        var pem = other.ExportCertificatePem() + "\n" + p384.ExportPkcs8PrivateKeyPem();

        Assert.ThrowsAny<CryptographicException>(() => NodeCertificate.FromPem("garbage"));
        Assert.ThrowsAny<CryptographicException>(
            () => NodeCertificate.FromPem(made.Certificate.ExportCertificatePem()));
        Assert.ThrowsAny<CryptographicException>(() => NodeCertificate.FromPem(pem));
    }

    [Fact]
    public void Only_the_owner_can_read_the_files()
    {
        using var folder = new TemporaryFolder();
        using var store = NodeCertificateStore.Open(folder.Path, new ShiftedTime());
        store.Rotate();

        var files = Directory.GetFiles(folder.Path);
        Assert.Equal(2, files.Length);
        if (!OperatingSystem.IsWindows())
        {
            foreach (var file in files)
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }
    }

    [Fact]
    public void After_a_change_the_old_certificate_is_kept_a_quarter_of_an_hour_even_across_a_restart()
    {
        using var folder = new TemporaryFolder();
        var time = new ShiftedTime();
        string oldName, newName;
        using (var store = NodeCertificateStore.Open(folder.Path, time))
        {
            oldName = store.Current.ServerName;
            newName = store.Rotate().ServerName;
            Assert.Equal(oldName, store.Select(oldName).ServerName);
        }

        using var reopened = NodeCertificateStore.Open(folder.Path, time);
        Assert.Equal(newName, reopened.Current.ServerName);
        Assert.Equal(newName, reopened.Select(newName).ServerName);
        Assert.Equal(newName, reopened.Select(null).ServerName);
        Assert.Equal(newName, reopened.Select("example.org").ServerName);
        time.Shift = TimeSpan.FromMinutes(14);
        Assert.Equal(oldName, reopened.Select(oldName).ServerName);
        time.Shift = TimeSpan.FromMinutes(16);
        Assert.Equal(newName, reopened.Select(oldName).ServerName);
    }

    [Fact]
    public void A_crash_in_the_middle_of_a_change_leaves_the_certificate_in_use()
    {
        using var folder = new TemporaryFolder();
        var time = new ShiftedTime();
        string name;
        using (var store = NodeCertificateStore.Open(folder.Path, time))
        {
            name = store.Current.ServerName;
        }

        var current = Path.Combine(folder.Path, "node-tls.pem");
        File.WriteAllText(
            Path.Combine(folder.Path, "node-tls.previous.pem"), "Retired-At: 1\n" + File.ReadAllText(current));
        File.WriteAllText(current + ".new", "half a fi");

        using var reopened = NodeCertificateStore.Open(folder.Path, time);
        Assert.Equal(name, reopened.Current.ServerName);
        Assert.NotEqual(name, reopened.Rotate().ServerName);
    }
}
