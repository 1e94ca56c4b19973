using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Souk.Wire.Http;

/// <summary>Sets a Kestrel listener up for node links.</summary>
public static class NodeTlsExtensions
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Serves TLS 1.3 with the certificate that the client's server name asks for.</summary>
    public static ListenOptions UseNodeTls(this ListenOptions listen, NodeCertificateStore certificates)
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        return listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = HandshakeTimeout,
            OnConnection = context => new(certificates.OptionsFor(context.ClientHelloInfo.ServerName)),
        });
    }

    /// <summary>Applies the limits that Kestrel itself must know, before a request reaches a handler.</summary>
    public static KestrelServerOptions UseWireLimits(this KestrelServerOptions kestrel, WireLimits limits)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = limits.MaxBodyBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = limits.MaxHeaderBytes;
        kestrel.Limits.MaxRequestHeaderCount = limits.MaxHeaders;
        kestrel.Limits.RequestHeadersTimeout = limits.HeadersTimeout;
        kestrel.Limits.KeepAliveTimeout = limits.KeepAlive;
        kestrel.Limits.MaxConcurrentConnections = limits.MaxConnections;
        kestrel.Limits.Http2.MaxStreamsPerConnection = limits.MaxStreamsPerConnection;
        kestrel.Limits.Http2.MaxRequestHeaderFieldSize = limits.MaxHeaderBytes;
        return kestrel;
    }
}
