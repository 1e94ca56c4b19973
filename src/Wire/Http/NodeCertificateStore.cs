using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;

namespace Souk.Wire.Http;

/// <summary>
/// A node's certificates on disk: the one in use, and for a quarter of an hour after a change the one before, because
/// gateways connect by the newest offer they have seen. Files are readable by the owner alone and replaced by rename,
/// so a crash leaves either the old state or the new.
/// </summary>
public sealed class NodeCertificateStore : IDisposable
{
    /// <summary>How long the previous certificate is still presented to clients that ask for it.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromMinutes(15);

    private const string CurrentFile = "node-tls.pem";
    private const string PreviousFile = "node-tls.previous.pem";
    private const string RetiredPrefix = "Retired-At: ";

    private readonly string _folder;
    private readonly TimeProvider _time;
    private State _state;

    private NodeCertificateStore(string folder, TimeProvider time, State state) =>
        (_folder, _time, _state) = (folder, time, state);

    /// <summary>The certificate in use, whose hash the next offer states.</summary>
    public NodeCertificate Current => _state.Current.Certificate;

    /// <summary>Opens the certificates in a folder and makes the first where there is none.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">A file is there but holds no usable
    /// certificate.</exception>
    public static NodeCertificateStore Open(string folder, TimeProvider time)
    {
        var now = time.GetUtcNow();
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, CurrentFile);
        if (!File.Exists(path))
        {
            using var first = NodeCertificate.Create(now);
            OwnerOnlyFile.Write(path, first.ToPem());
        }

        var current = new Presented(NodeCertificate.FromPem(File.ReadAllText(path)));
        var (previous, retiredAt) = ReadPrevious(Path.Combine(folder, PreviousFile));
        // A crash between the two renames of a change leaves the certificate in use in both files.
        if (previous is not null && previous.SpkiHash == current.Certificate.SpkiHash)
        {
            previous.Dispose();
            previous = null;
        }

        return new(folder, time, new(current, previous is null ? null : new(previous), retiredAt));
    }

    /// <summary>Makes a new certificate and keeps the old one for <see cref="Overlap"/>.</summary>
    public NodeCertificate Rotate()
    {
        var now = _time.GetUtcNow();
        var old = _state;
        var next = NodeCertificate.Create(now);
        var retired = RetiredPrefix + now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) + "\n";
        OwnerOnlyFile.Write(Path.Combine(_folder, PreviousFile), retired + old.Current.Certificate.ToPem());
        OwnerOnlyFile.Write(Path.Combine(_folder, CurrentFile), next.ToPem());
        _state = new(new(next), old.Current, now);
        return next;
    }

    /// <summary>
    /// The certificate for a client that asked for <paramref name="serverName"/>: the old one, or the current.
    /// </summary>
    public NodeCertificate Select(string? serverName) => Pick(serverName).Certificate;

    /// <inheritdoc/>
    public void Dispose()
    {
        _state.Current.Certificate.Dispose();
        _state.Previous?.Certificate.Dispose();
    }

    internal SslServerAuthenticationOptions OptionsFor(string? serverName) => Pick(serverName).Options;

    private Presented Pick(string? serverName)
    {
        var state = _state;
        return state.Previous is { } previous
            && string.Equals(previous.Certificate.ServerName, serverName, StringComparison.OrdinalIgnoreCase)
            && _time.GetUtcNow() - state.RetiredAt < Overlap ? previous : state.Current;
    }

    private static (NodeCertificate? Certificate, DateTimeOffset RetiredAt) ReadPrevious(string path)
    {
        if (!File.Exists(path))
        {
            return default;
        }

        var text = File.ReadAllText(path);
        var line = text.AsSpan(0, Math.Max(0, text.IndexOf('\n')));
        return line.StartsWith(RetiredPrefix)
            && long.TryParse(line[RetiredPrefix.Length..], CultureInfo.InvariantCulture, out var at)
            ? (NodeCertificate.FromPem(text), DateTimeOffset.FromUnixTimeSeconds(at))
            : default;
    }

    private sealed record State(Presented Current, Presented? Previous, DateTimeOffset RetiredAt);

    /// <summary>
    /// A certificate with its TLS options built once: building them per handshake would redo chain work.
    /// </summary>
    private sealed class Presented(NodeCertificate certificate)
    {
        public NodeCertificate Certificate { get; } = certificate;

        public SslServerAuthenticationOptions Options { get; } = new()
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(
                certificate.Certificate, additionalCertificates: null, offline: true),
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificateRequired = false,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        };
    }
}
