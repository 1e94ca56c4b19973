namespace Souk.Engines.Onnx;

/// <summary>How a model directory is run in this process.</summary>
public sealed record OnnxEngineOptions
{
    /// <summary>The model directory as model hubs publish it: config.json, generation_config.json, tokenizer.json,
    /// tokenizer_config.json, perhaps chat_template.jinja, and the .onnx file.</summary>
    public required string Directory { get; init; }

    /// <summary>The .onnx file, relative to the directory. Default: model.onnx or onnx/model.onnx.</summary>
    public string? OnnxFile { get; init; }

    /// <summary>A label for people. Default: the directory's name.</summary>
    public string? Name { get; init; }

    /// <summary>Threads that share one operator's work. Default 0: one per core, or 1 for small models, whose operators
    /// take less time than handing them over. More threads than cores is slower.</summary>
    public int Threads { get; init; }

    /// <summary>Batches that can be computed at the same time, each on a thread of its own; few requests stay together
    /// in one. Default 0: one, or one per core for small models where <see cref="Threads"/> is 0 too.</summary>
    public int Loops { get; init; }

    /// <summary>Answers that stay together on one loop before another is used. Null: measured at load.</summary>
    internal int? Gathered { get; init; }

    /// <summary>Whether idle threads spin between operators. Default false: spinning gains a little on an idle
    /// machine and costs everything else on a shared one.</summary>
    public bool IsSpinning { get; init; }

    /// <summary>Requests that generate at the same time, in common batches. Default 16.</summary>
    public int Concurrency { get; init; } = 16;

    /// <summary>Requests that may wait for a place; more are refused at once. Default 64.</summary>
    public int Waiting { get; init; } = 64;

    /// <summary>Tokens whose keys and values are held at the same time: what running requests may come to need, and
    /// equal prompt beginnings in what is left. A request that does not fit waits. Default: full contexts for all of
    /// <see cref="Concurrency"/>, or as many as an eighth of the memory holds.</summary>
    public long? KvTokens { get; init; }

    /// <summary>Greatest prompt + output in tokens; lowers the model's own limit. Default: the model's.</summary>
    public int? MaxContext { get; init; }

    /// <summary>Greatest output of one choice in tokens. Default: the context.</summary>
    public int? MaxOutput { get; init; }

    /// <summary>Greatest number of choices in one request. Default 8.</summary>
    public int MaxChoices { get; init; } = 8;

    /// <summary>Prompt tokens that are computed between two tokens of the answers that run: more finish a long prompt
    /// sooner, fewer hold up the others less. Default 16; long prompts take more as they go on.</summary>
    public int PrefillTokens { get; init; } = 16;

    /// <summary>Bytes of one weights file. Default 64 GiB.</summary>
    public long MaxWeightsBytes { get; init; } = 64L << 30;

    /// <summary>Every mistake in these options, each as a sentence; empty when they can be used.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];
        void Check(bool isFine, string error)
        {
            if (!isFine)
            {
                errors.Add(error);
            }
        }

        Check(Directory.Length > 0, "Directory must name the model's directory.");
        Check(Threads is >= 0 and <= 1024, "Threads must be from 0 to 1,024.");
        Check(Loops is >= 0 and <= 1024, "Loops must be from 0 to 1,024.");
        Check(KvTokens is null or > 1, "KvTokens must be at least 2.");
        Check(Concurrency is >= 1 and <= 1024, "Concurrency must be from 1 to 1,024.");
        Check(Waiting is >= 0 and <= 1_000_000, "Waiting must be from 0 to 1,000,000.");
        Check(MaxContext is null or > 1, "MaxContext must be at least 2.");
        Check(MaxOutput is null or > 0, "MaxOutput must be positive.");
        Check(MaxChoices is >= 1 and <= 256, "MaxChoices must be from 1 to 256.");
        Check(PrefillTokens is >= 1 and <= 1 << 20, "PrefillTokens must be from 1 to 1,048,576.");
        Check(MaxWeightsBytes > 0, "MaxWeightsBytes must be positive.");
        return errors;
    }
}
