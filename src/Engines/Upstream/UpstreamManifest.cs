using System.Text;
using Souk.Engines.Files;
using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>The files behind an upstream's model digest, as far as anyone here knows them.</summary>
internal static class UpstreamManifest
{
    public static async Task<ModelManifest> MakeAsync(
        UpstreamOptions options, UpstreamProbe probe, TokenizerFiles? files, CancellationToken cancellationToken)
    {
        if (options.Manifest is not null)
        {
            return options.Manifest;
        }

        if (options.ModelFile is { } path)
        {
            string full = Path.GetFullPath(path);
            string name = Path.GetFileName(full);
            var folder = new ModelRoot(Path.GetDirectoryName(full)!);
            var (hash, size) = await folder.HashAsync(name, long.MaxValue, cancellationToken);
            return Manifest(name, Bytes32.FromBytes(hash), (ulong)size, files);
        }

        // An offer must name some digest; without a file it says only that the model calls itself so.
        return probe.Blob is { } blob
            ? Manifest("model.gguf", blob, 0, files)
            : Manifest(
                "unconfirmed", Sha.Hash(Encoding.UTF8.GetBytes("souk-unconfirmed-model-1:" + probe.Model)), 0, files);
    }

    // Gateways count by the tokenizer's files only where the manifest, and so the digest, vouches for them.
    private static ModelManifest Manifest(string name, Bytes32 hash, ulong size, TokenizerFiles? files) =>
        ModelManifest.FromFiles(
            [
                new ManifestEntry(name, hash, size),
                .. files?.PublicFiles.Select(file =>
                    new ManifestEntry(file.Key, Sha.Hash(file.Value.Span), (ulong)file.Value.Length)) ?? [],
            ],
            "unknown");
}
