using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Souk.Engines.Tests.TinyModels;
using Souk.Engines.Upstream;

namespace Souk.Engines.Tests.Upstream;

public sealed class UpstreamTlsTests : IDisposable
{
    private readonly ModelFolder folder = ModelFolder.Empty();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_self_signed_server_is_trusted_where_its_certificate_is_named_and_speaks_http_2()
    {
        using var certificate = Certificate("localhost");
        await using var server = await LoopbackServer.StartAsync(certificate: certificate);
        string file = Pem(certificate);
        await using var engine = await ConnectAsync(server, file);
        Assert.Equal("a", (await engine.AllAsync(Ask.For("Hi"))).Text());
        Assert.Equal("HTTP/2", server.HttpProtocol);
    }

    [Fact]
    public async Task A_self_signed_server_is_refused_otherwise()
    {
        using var certificate = Certificate("localhost");
        await using var server = await LoopbackServer.StartAsync(certificate: certificate);
        var refused = await Assert.ThrowsAsync<EngineException>(() => ConnectAsync(server, null));
        Assert.Equal("upstream_untrusted", refused.Code);
        Assert.Contains("certificate", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("elsewhere.example")]
    public async Task Another_certificate_or_another_name_is_refused(string name)
    {
        using var named = Certificate("localhost");
        using var shown = Certificate(name);
        await using var server = await LoopbackServer.StartAsync(certificate: shown);
        var refused = await Assert.ThrowsAsync<EngineException>(
            () => ConnectAsync(server, Pem(name == "localhost" ? named : shown)));
        Assert.Equal("upstream_untrusted", refused.Code);
    }

    private static Task<UpstreamEngine> ConnectAsync(LoopbackServer server, string? certificateFile) =>
        UpstreamEngine.ConnectAsync(
            new UpstreamOptions { BaseUrl = server.BaseUrl, CertificateFile = certificateFile, Features = [] },
            TimeProvider.System, default);

    private static X509Certificate2 Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        if (name == "localhost")
        {
            names.AddIpAddress(IPAddress.Loopback);
        }

        request.CertificateExtensions.Add(names.Build());
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private string Pem(X509Certificate2 certificate)
    {
        folder.Write("server.pem", System.Text.Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()));
        return Path.Combine(folder.Path, "server.pem");
    }
}
