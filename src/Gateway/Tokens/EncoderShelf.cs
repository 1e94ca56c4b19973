using Souk.Engines;
using Souk.OpenAi.Tokens;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tokens;

/// <summary>
/// Tokenizers and chat templates, fetched from providers and checked against the model's digest, so that the gateway
/// counts every prompt and decodes every answer itself. Bounded, and fetched once per model.
/// </summary>
internal sealed class EncoderShelf(NodeClient nodes)
{
    private const int MostFileBytes = 64 << 20;
    private const int MostModels = 256;
    private readonly Lock _guard = new();
    private readonly Dictionary<Bytes32, Task<Result<PromptEncoder>>> _encoders = [];

    /// <summary>The encoder of a model, fetched from this provider if it is not here yet.</summary>
    public async Task<Result<PromptEncoder>> GetAsync(Offer offer, CancellationToken cancellation)
    {
        Task<Result<PromptEncoder>> fetch;
        lock (_guard)
        {
            // A failure that nobody waited for to its end, because all askers had left, is nobody's answer later.
            if (!_encoders.TryGetValue(offer.ModelDigest, out fetch!)
                || fetch is { IsCompletedSuccessfully: true, Result.IsOk: false })
            {
                if (_encoders.Count >= MostModels)
                {
                    _encoders.Clear();
                }

                // Not bound to the first asker's cancellation: others may wait for the same files.
                fetch = FetchAsync(offer, CancellationToken.None);
                _encoders[offer.ModelDigest] = fetch;
            }
        }

        var result = await fetch.WaitAsync(cancellation);
        if (!result.IsOk)
        {
            lock (_guard)
            {
                _encoders.Remove(offer.ModelDigest);
            }
        }

        return result;
    }

    private async Task<Result<PromptEncoder>> FetchAsync(Offer offer, CancellationToken cancellation)
    {
        if (!Peers.Target(offer).TryGet(out var provider, out var refusal))
        {
            return refusal;
        }

        var fetched = await nodes.GetModelManifestAsync(provider, offer.ModelDigest, cancellation);
        if (!fetched.TryGet(out var manifest, out refusal))
        {
            return refusal;
        }

        if (manifest.TokenizerRoot != offer.TokenizerRoot || manifest.TemplateRoot != offer.TemplateRoot)
        {
            return Wrong("The provider's manifest does not hash to the roots in its offer.");
        }

        SortedDictionary<string, ReadOnlyMemory<byte>> files = new(StringComparer.Ordinal);
        foreach (var entry in manifest.Files.Where(file => PromptFiles.Names.Contains(file.Path)))
        {
            var file = await nodes.GetModelFileAsync(provider, offer.ModelDigest, entry.Path, MostFileBytes,
                cancellation);
            if (!file.TryGet(out var bytes, out refusal))
            {
                return refusal;
            }

            if (Sha.Hash(bytes.Span) != entry.Sha256)
            {
                return Wrong($"The provider's {entry.Path} is not the file that the manifest names.");
            }

            files[entry.Path] = bytes;
        }

        return PromptFiles.Build(files);
    }

    private static Refusal Wrong(string message) => new(Fault.Theirs, "model_files_wrong", message);
}
