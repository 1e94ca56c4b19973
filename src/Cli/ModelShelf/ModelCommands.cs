using System.CommandLine;
using System.Security.Cryptography;
using Souk.Cli.Commands;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.ModelShelf;

/// <summary><c>model</c>: models that a provider of this machine can sell by name.</summary>
internal static class ModelCommands
{
    public static Command Model(Screen screen) => new("model", "Models to sell: add, list, check and remove them.")
    {
        Add(screen), List(screen), Check(screen), Remove(screen),
    };

    private static Command Add(Screen screen)
    {
        var source = new Argument<string>("source")
        {
            Description = "Folder in the published ONNX layout, or https URL of a folder with a manifest.json.",
        };
        var name = new Option<string?>("--name") { Description = "How to call it (default: the folder's name)." };
        var onnx = new Option<string?>("--onnx-file") { Description = "Which .onnx file, where there are several." };
        var digest = new Option<string?>("--digest") { Description = "Model digest that it must have." };
        var inPlace = new Option<bool>("--in-place") { Description = "Use a folder's files where they are." };
        var allow = new Option<bool>("--allow-private")
        {
            Description = "Let the URL lead into this machine's own network, and be plain http.",
        };
        var most = new Option<ulong>("--max-bytes")
        {
            Description = "Greatest size of a URL's files together.", DefaultValueFactory = _ => 200UL << 30,
        };
        var command = new Command("add", "Verify a model, load it once, and keep it under a name.")
        {
            source, name, onnx, digest, inPlace, allow, most, SharedOptions.Json,
        };
        return command.Does(screen, async (parsed, cancellation) =>
        {
            string from = parsed.GetValue(source)!;
            var request = new AddRequest(
                from, parsed.GetValue(name) ?? NameOf(from), parsed.GetValue(onnx), parsed.GetValue(digest),
                parsed.GetValue(inPlace), parsed.GetValue(allow), parsed.GetValue(most));
            var added = await new ModelAdding(Open(parsed)).AddAsync(request, cancellation);
            return added.TryGet(out var model, out var refusal)
                ? Guarded.Reply(parsed, screen).Show(Fields(model))
                : Guarded.Reply(parsed, screen).Refuse(refusal);
        });
    }

    private static Command List(Screen screen) =>
        new Command("list", "Show the models that were added.") { SharedOptions.Json }.Does(screen, (parsed, _) =>
            Task.FromResult(Guarded.Reply(parsed, screen)
                .Show(("models", Open(parsed).All().Select(Fields).ToArray()))));

    private static Command Check(Screen screen)
    {
        var name = new Argument<string>("name") { Description = "The model's name." };
        var command = new Command("check", "Hash a model's files again and compare.") { name, SharedOptions.Json };
        return command.Does(screen, async (parsed, cancellation) =>
        {
            var reply = Guarded.Reply(parsed, screen);
            var shelf = Open(parsed);
            if (Find(shelf, parsed.GetValue(name)!) is not { } model)
            {
                return reply.Refuse(Unknown(parsed.GetValue(name)!));
            }

            if (!shelf.Manifest(model.Name).TryGet(out var manifest, out var refusal)
                || (refusal = await DifferenceAsync(model, manifest, cancellation)) is not null)
            {
                return reply.Refuse(refusal);
            }

            return reply.Show(("name", model.Name), ("digest", model.Digest), ("files", manifest.Files.Count),
                ("state", "as added"));
        });
    }

    private static Command Remove(Screen screen)
    {
        var name = new Argument<string>("name") { Description = "The model's name." };
        var command = new Command("remove", "Forget a model, and delete the files that were copied or fetched.")
        {
            name, SharedOptions.Json,
        };
        return command.Does(screen, (parsed, _) =>
        {
            var reply = Guarded.Reply(parsed, screen);
            var shelf = Open(parsed);
            if (Find(shelf, parsed.GetValue(name)!) is not { } model)
            {
                return Task.FromResult(reply.Refuse(Unknown(parsed.GetValue(name)!)));
            }

            Directory.Delete(shelf.Folder(model.Name), recursive: true);
            return Task.FromResult(reply.Show(("removed", model.Name)));
        });
    }

    private static async Task<Refusal?> DifferenceAsync(
        ShelvedModel model, ModelManifest manifest, CancellationToken cancellation)
    {
        foreach (var entry in manifest.Files)
        {
            string path = Path.Combine(model.Directory, entry.Path);
            if (!File.Exists(path))
            {
                return new Refusal(Fault.Ours, "model_changed", $"{path} is gone.");
            }

            await using var file = File.OpenRead(path);
            if ((ulong)file.Length != entry.Size
                || Bytes32.FromBytes(await SHA256.HashDataAsync(file, cancellation)) != entry.Sha256)
            {
                return new Refusal(
                    Fault.Ours, "model_changed",
                    $"{path} is not what was added; remove the model and add it again.");
            }
        }

        return manifest.Digest.ToString() == model.Digest
            ? null
            : new Refusal(Fault.Ours, "model_changed", $"The manifest of {model.Name} has another digest.");
    }

    private static string NameOf(string source)
    {
        string path = Uri.TryCreate(source, UriKind.Absolute, out var url)
            && url.Scheme.StartsWith("http", StringComparison.Ordinal)
            ? url.AbsolutePath.Replace("/manifest.json", "", StringComparison.Ordinal)
            : Path.GetFullPath(source);
        return Path.GetFileName(path.TrimEnd('/', Path.DirectorySeparatorChar));
    }

    private static Shelf Open(ParseResult parsed) => new(new DataDirectory(parsed.GetValue(SharedOptions.Data)!));

    private static ShelvedModel? Find(Shelf shelf, string name) => shelf.Find(name);

    private static Refusal Unknown(string name) => new(
        Fault.Theirs, "model_missing", $"There is no model '{name}'; 'souk model list' shows those there are.");

    private static Dictionary<string, object?> Fields(ShelvedModel model) => new()
    {
        ["name"] = model.Name, ["digest"] = model.Digest, ["kind"] = model.Kind, ["context"] = model.Context,
        ["bytes"] = model.Bytes, ["directory"] = model.Directory, ["onnx_file"] = model.OnnxFile,
        ["source"] = model.Source,
    };
}
