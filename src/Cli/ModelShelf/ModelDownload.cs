using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Cli.ModelShelf;

/// <summary>
/// Fetches a model's files by its manifest from a URL: a folder with a manifest.json, or what a provider serves under
/// /souk/v1/models/DIGEST/files/. A server is trusted for nothing: sizes are bounded by the manifest, every file must
/// hash to its entry, addresses of private networks are refused unless the owner allows them, and a broken download
/// goes on where it stopped.
/// </summary>
internal sealed class ModelDownload : IDisposable
{
    public const int MostManifestBytes = 2 * 1024 * 1024;
    private const int MostRedirects = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly bool allowsPrivate;
    private readonly JudgedConnector connector;
#pragma warning disable RS0030 // Adapter: the owner named this URL, and the connection is checked below.
    private readonly HttpClient http;
#pragma warning restore RS0030

    /// <param name="allowsPrivate">Whether plain http and addresses of private networks will do.</param>
    /// <param name="connector">How connections are made; null judges addresses by <paramref name="allowsPrivate"/>,
    /// after each redirection anew.</param>
    public ModelDownload(bool allowsPrivate, JudgedConnector? connector = null)
    {
        this.allowsPrivate = allowsPrivate;
        this.connector = connector ?? new JudgedConnector(found => allowsPrivate || AddressPolicy.IsPublic(found));
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ConnectTimeout = Patience,
            ConnectCallback = ConnectAsync,
        };
#pragma warning disable RS0030
        http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
#pragma warning restore RS0030
    }

    /// <summary>The manifest of a URL, and the URL that its files are relative to.</summary>
    public async Task<Result<(ModelManifest Manifest, Uri Files)>> ManifestAsync(
        Uri url, CancellationToken cancellation)
    {
        const string name = "manifest.json";
        bool isFile = url.AbsolutePath.EndsWith(".json", StringComparison.Ordinal);
        var folder = isFile ? new Uri(url, ".") : new Uri(url.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/");
        var text = await TextAsync(isFile ? url : new Uri(folder, name), cancellation);
        if (!isFile && text is { IsOk: false, Refusal.Code: "not_found" })
        {
            // A provider gives the manifest at the folder itself.
            text = await TextAsync(folder, cancellation);
        }

        return !text.TryGet(out var bytes, out var refusal)
            || !SoukJson.Parse<ModelManifest>(bytes, MostManifestBytes).TryGet(out var manifest, out refusal)
            ? refusal
            : (manifest, folder);
    }

    /// <summary>Brings one file into a folder, whole and checked; what is there already is kept if it fits.</summary>
    public async Task<Refusal?> FileAsync(
        Uri files, ManifestEntry entry, string folder, CancellationToken cancellation)
    {
        string path = Path.Combine(folder, entry.Path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var url = new Uri(files, string.Join('/', entry.Path.Split('/').Select(Uri.EscapeDataString)));
        await using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        if ((ulong)file.Length > entry.Size)
        {
            file.SetLength(0);
        }

        if ((ulong)file.Length < entry.Size && await FillAsync(url, entry, file, cancellation) is { } failed)
        {
            return failed;
        }

        file.Position = 0;
        var hash = Bytes32.FromBytes(await SHA256.HashDataAsync(file, cancellation));
        if (hash == entry.Sha256)
        {
            return null;
        }

        file.SetLength(0);
        return Theirs("model_files_wrong", $"{url} is not the file that the manifest names; nothing of it is kept.");
    }

    public void Dispose() => http.Dispose();

    private async Task<Refusal?> FillAsync(
        Uri url, ManifestEntry entry, FileStream file, CancellationToken cancellation)
    {
        var got = await GetAsync(url, file.Length, cancellation);
        if (!got.TryGet(out var response, out var refusal))
        {
            return refusal;
        }

        using (response)
        {
            // A server that ignores the range sends everything again.
            bool goesOn = response.StatusCode == HttpStatusCode.PartialContent
                && response.Content.Headers.ContentRange?.From == file.Length;
            file.SetLength(goesOn ? file.Length : 0);
            file.Position = file.Length;
            return await CopyAsync(url, response, file, (long)entry.Size, cancellation);
        }
    }

    private static async Task<Refusal?> CopyAsync(
        Uri url, HttpResponseMessage response, FileStream file, long size, CancellationToken cancellation)
    {
        byte[] buffer = new byte[1 << 16];
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellation);
            while (true)
            {
                using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                using var timer = TimeProvider.System.CreateTimer(_ => idle.Cancel(), null, Patience,
                    Timeout.InfiniteTimeSpan);
                int read = await body.ReadAsync(buffer, idle.Token);
                if (read == 0)
                {
                    break;
                }

                if (file.Length + read > size)
                {
                    file.SetLength(0);
                    return Theirs("model_files_wrong",
                        $"{url} is longer than the {size} bytes that the manifest names.");
                }

                await file.WriteAsync(buffer.AsMemory(0, read), cancellation);
            }
        }
        catch (Exception failed) when (IsNetwork(failed, cancellation))
        {
            return Broken(url, failed.Message);
        }

        return file.Length == size ? null : Broken(url, $"it ended after {file.Length} of {size} bytes");
    }

    private async Task<Result<byte[]>> TextAsync(Uri url, CancellationToken cancellation)
    {
        var got = await GetAsync(url, 0, cancellation);
        if (!got.TryGet(out var response, out var refusal))
        {
            return refusal;
        }

        using (response)
        {
            try
            {
                using var held = new MemoryStream();
                await using var body = await response.Content.ReadAsStreamAsync(cancellation);
                byte[] buffer = new byte[1 << 14];
                for (int read; (read = await body.ReadAsync(buffer, cancellation)) > 0;)
                {
                    held.Write(buffer, 0, read);
                    if (held.Length > MostManifestBytes)
                    {
                        return Theirs("model_files_wrong", $"{url} is larger than {MostManifestBytes} bytes.");
                    }
                }

                return held.ToArray();
            }
            catch (Exception failed) when (IsNetwork(failed, cancellation))
            {
                return Broken(url, failed.Message);
            }
        }
    }

    private async Task<Result<HttpResponseMessage>> GetAsync(Uri url, long from, CancellationToken cancellation)
    {
        for (int hop = 0; hop <= MostRedirects; hop++)
        {
            if (url.Scheme != Uri.UriSchemeHttps && !(allowsPrivate && url.Scheme == Uri.UriSchemeHttp))
            {
                return Theirs("model_url",
                    $"{url} is not https; plain http is for your own network (--allow-private).");
            }

            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.Range = from > 0 ? new RangeHeaderValue(from, null) : null;
            HttpResponseMessage response;
            try
            {
#pragma warning disable RS0030
                response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
#pragma warning restore RS0030
            }
            catch (Exception failed) when (IsNetwork(failed, cancellation))
            {
                return Broken(url, (failed.InnerException ?? failed).Message);
            }

            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            int status = (int)response.StatusCode;
            var next = response.Headers.Location;
            response.Dispose();
            if (status is not (301 or 302 or 303 or 307 or 308) || next is null)
            {
                return Theirs(status == 404 ? "not_found" : "model_url", $"{url} was answered with status {status}.");
            }

            url = new Uri(url, next);
        }

        return Theirs("model_url", $"{url} is the end of more than {MostRedirects} redirections.");
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        try
        {
            return await connector.OpenAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation);
        }
        catch (WireException refused) when (refused.Code == WireCodes.AddressRefused)
        {
            throw new HttpRequestException(
                $"{context.DnsEndPoint.Host} is not on the public internet; allow your own network with "
                    + "--allow-private");
        }
        catch (WireException failed)
        {
            throw new HttpRequestException(failed.Message, failed);
        }
    }

    private static bool IsNetwork(Exception failed, CancellationToken cancellation) =>
        failed is HttpRequestException or IOException or SocketException
        || (failed is OperationCanceledException && !cancellation.IsCancellationRequested);

    private static Refusal Theirs(string code, string message) => new(Fault.Theirs, code, message);

    private static Refusal Broken(Uri url, string reason) => new(
        Fault.Theirs, "model_url", $"{url} could not be read: {reason.TrimEnd('.')}. Run the command again to go on.");
}
