using Souk.Cli.Up;
using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.Protocol;

namespace Souk.Cli.ModelShelf;

/// <summary>What to add.</summary>
/// <param name="Source">A folder, or an http(s) URL.</param>
/// <param name="Name">How to call it.</param>
/// <param name="OnnxFile">The .onnx file, where a folder has several.</param>
/// <param name="Digest">The digest that it must have; null for any.</param>
/// <param name="StaysInPlace">A folder's files are used where they are instead of being copied.</param>
/// <param name="AllowsPrivate">URLs may lead into the owner's own network.</param>
/// <param name="MostBytes">All files of a URL together.</param>
internal sealed record AddRequest(
    string Source, string Name, string? OnnxFile, string? Digest, bool StaysInPlace, bool AllowsPrivate,
        ulong MostBytes);

/// <summary>Adds a model: brings its files, loads it to see that it runs, and writes it down.</summary>
internal sealed class ModelAdding(Shelf shelf)
{
    public async Task<Result<ShelvedModel>> AddAsync(AddRequest request, CancellationToken cancellation)
    {
        if (Shelf.Flaw(request.Name) is { } flaw)
        {
            return flaw;
        }

        if (shelf.Find(request.Name) is { } there)
        {
            return new Refusal(
                Fault.Theirs, "model_exists",
                $"There is a model {there.Name} already ({there.Digest}). Remove it, or choose another --name.");
        }

        string part = shelf.Unfinished(request.Name);
        if (!(await BringAsync(request, part, cancellation)).TryGet(out var directory, out var refusal)
            || !(await TryAsync(request, directory, cancellation)).TryGet(out var loaded, out refusal))
        {
            return refusal;
        }

        await using var engine = loaded.Engine;
        var manifest = engine.Model.Manifest;
        if (request.Digest is { } wanted && wanted != manifest.Digest.ToString())
        {
            return new Refusal(
                Fault.Theirs, "model_digest", $"The model's digest is {manifest.Digest}, not {wanted}.");
        }

        bool staysInPlace = request.StaysInPlace && directory == request.Source;
        if (directory == request.Source && !staysInPlace)
        {
            await CopyAsync(request.Source, manifest, Shelf.FilesPath(part), cancellation);
        }

        return Keep(request, part, staysInPlace, engine.Model);
    }

    /// <summary>The folder to load from: the given one, or where a download went.</summary>
    private static async Task<Result<string>> BringAsync(
        AddRequest request, string part, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(request.Source, UriKind.Absolute, out var url)
            || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
        {
            return Directory.Exists(request.Source)
                ? request.Source
                : new Refusal(Fault.Theirs, "model_missing", $"There is no folder {request.Source}.");
        }

        using var download = new ModelDownload(request.AllowsPrivate);
        if (!(await download.ManifestAsync(url, cancellation)).TryGet(out var found, out var refusal))
        {
            return refusal;
        }

        var (manifest, files) = found;
        if (request.Digest is { } wanted && wanted != manifest.Digest.ToString())
        {
            return new Refusal(Fault.Theirs, "model_digest", $"{url} lists the model {manifest.Digest}, not {wanted}.");
        }

        // Sizes come from the server, so their sum may be anything.
        var bytes = manifest.Files.Aggregate(UInt128.Zero, (sum, file) => sum + file.Size);
        string folder = Shelf.FilesPath(part);
        Directory.CreateDirectory(folder);
        ulong free = (ulong)new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (bytes > request.MostBytes || bytes > free)
        {
            return new Refusal(
                Fault.Theirs, "model_too_large",
                $"The model has {bytes} bytes; at most {request.MostBytes} are wanted (--max-bytes) and {free} are "
                    + $"free.");
        }

        foreach (var entry in manifest.Files)
        {
            if (await download.FileAsync(files, entry, folder, cancellation) is { } failed)
            {
                return failed;
            }
        }

        // What an earlier try for another manifest left behind would be read as part of this model.
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(path => manifest.Find(Path.GetRelativePath(folder, path).Replace('\\', '/')) is null).ToArray())
        {
            File.Delete(path);
        }

        return folder;
    }

    private static async Task<Result<LoadedEngine>> TryAsync(
        AddRequest request, string directory, CancellationToken cancellation)
    {
        try
        {
            var options = new OnnxEngineOptions
            {
                Directory = directory, OnnxFile = request.OnnxFile, Name = request.Name, Concurrency = 1,
            };
            return new LoadedEngine(await LocalEngine.LoadAsync(options, cancellation));
        }
        catch (EngineException refused)
        {
            return refused.ToRefusal();
        }
        catch (Exception wrong) when (wrong is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return new Refusal(Fault.Theirs, "model_unreadable", wrong.Message);
        }
    }

    /// <summary>Copies what the manifest lists, so that later changes of the source change nothing here.</summary>
    private static async Task CopyAsync(
        string source, ModelManifest manifest, string target, CancellationToken cancellation)
    {
        foreach (var entry in manifest.Files)
        {
            string path = Path.Combine(target, entry.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await using var from = File.OpenRead(Path.Combine(source, entry.Path));
            await using var to = File.Create(path);
            await from.CopyToAsync(to, cancellation);
        }
    }

    private ShelvedModel Keep(AddRequest request, string part, bool staysInPlace, EngineModel model)
    {
        Directory.CreateDirectory(part);
        string folder = shelf.Folder(request.Name);
        var record = new ShelvedModel(
            request.Name, model.Manifest.Digest.ToString(),
            model.Features.Contains(EngineFeatures.Embeddings) ? "embeddings" : "text", model.Context,
            model.Manifest.Files.Aggregate(0UL, (sum, file) => checked(sum + file.Size)),
            staysInPlace ? Path.GetFullPath(request.Source) : Shelf.FilesPath(folder),
            model.Manifest.Files.First(file => file.Path.EndsWith(".onnx", StringComparison.Ordinal)).Path,
            request.Source);
        Shelf.Record(part, record, model.Manifest);
        Directory.Move(part, folder);
        return record;
    }
}
