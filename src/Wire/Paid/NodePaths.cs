using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>The paths of node links. A provider serves all; an indexer serves offers and heartbeats.</summary>
public static class NodePaths
{
    public const string ChatCompletions = "/souk/v1/chat/completions";
    public const string Completions = "/souk/v1/completions";
    public const string Embeddings = "/souk/v1/embeddings";
    public const string Channels = "/souk/v1/channels";
    public const string Offers = "/souk/v1/offers";
    public const string Heartbeats = "/souk/v1/heartbeats";
    public const string Claims = "/souk/v1/claims";

    private const string Requests = "/souk/v1/requests/";
    private const string Voucher = "/voucher";
    private const string Files = "/souk/v1/models/";
    private const string FilesInfix = "/files/";
    private const int MostNameCharacters = 255;

    /// <summary>GET: what became of a request; DELETE: cancel it.</summary>
    public static string Request(RequestId id) => Requests + id;

    /// <summary>PUT: raise a request's ceiling.</summary>
    public static string RequestVoucher(RequestId id) => Requests + id + Voucher;

    /// <summary>GET: a public file of a model, such as tokenizer.json.</summary>
    public static string ModelFile(Bytes32 digest, string name) =>
        Files + digest + FilesInfix + Uri.EscapeDataString(name);

    /// <summary>GET: the model's manifest.</summary>
    public static string ModelManifest(Bytes32 digest) => Files + digest + FilesInfix;

    /// <summary>Reads the two paths of a request.</summary>
    public static bool TryRequest(string path, out RequestId id, out bool isVoucher)
    {
        id = default;
        isVoucher = path.EndsWith(Voucher, StringComparison.Ordinal);
        if (!path.StartsWith(Requests, StringComparison.Ordinal))
        {
            return false;
        }

        var end = isVoucher ? path.Length - Voucher.Length : path.Length;
        return end - Requests.Length == 32 && RequestId.TryParse(path[Requests.Length..end], out id);
    }

    /// <summary>
    /// Reads the path of a model's file; an empty name is the manifest. Names are keys into a fixed set of public files
    /// and never become paths, so one that tries to climb simply matches nothing.
    /// </summary>
    public static bool TryModelFile(string path, out Bytes32 digest, out string name)
    {
        (digest, name) = (default, "");
        const int DigestEnd = 16 + 66;
        if (!path.StartsWith(Files, StringComparison.Ordinal)
            || path.Length < DigestEnd + FilesInfix.Length
            || path.Length > DigestEnd + FilesInfix.Length + (3 * MostNameCharacters)
            || !path.AsSpan(DigestEnd).StartsWith(FilesInfix)
            || !Bytes32.TryParse(path[Files.Length..DigestEnd], out digest))
        {
            return false;
        }

        name = Uri.UnescapeDataString(path[(DigestEnd + FilesInfix.Length)..]);
        return name.Length <= MostNameCharacters;
    }
}
