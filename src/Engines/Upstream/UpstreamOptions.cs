using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>An OpenAI-compatible server that this provider sells.</summary>
public sealed record UpstreamOptions
{
    /// <summary>Where the API starts, such as <c>http://127.0.0.1:8000/v1</c>. Plain HTTP sends prompts in the clear:
    /// keep it to this machine or a network of your own.</summary>
    public required Uri BaseUrl { get; init; }

    /// <summary>The model's name at the upstream. Default: the only one it lists; more than one is an
    /// error.</summary>
    public string? Model { get; init; }

    /// <summary>A label for people. Default: the upstream's name.</summary>
    public string? Name { get; init; }

    /// <summary>A file that holds the upstream's API key, sent as a bearer token. Default: none.</summary>
    public string? ApiKeyFile { get; init; }

    /// <summary>A PEM file with certificates to trust for an https upstream beside those of this machine: its own,
    /// where it is self-signed, or its authority's. Default: none.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>The files behind the model digest, where the operator has them. Default: <see cref="ModelFile"/>, or
    /// what an Ollama tells of its blob; failing these the model's name stands in, which no audit can
    /// confirm.</summary>
    public ModelManifest? Manifest { get; init; }

    /// <summary>The model's one file (.gguf) on this machine; its SHA-256 becomes the model digest. Default:
    /// none.</summary>
    public string? ModelFile { get; init; }

    /// <summary>A directory with the model's tokenizer.json, tokenizer_config.json, chat template and configuration.
    /// With it, and an upstream that gives token ids, counting is "ids"; without, "usage". Leave it out where the
    /// upstream takes reasoning out of the text: what is left is no longer what the ids decode to, and gateways would
    /// refuse it.</summary>
    public string? TokenizerDirectory { get; init; }

    /// <summary>Greatest prompt + output in tokens. Default: what the upstream tells; one that does not tell needs
    /// this.</summary>
    public int? Context { get; init; }

    /// <summary>Greatest output of one choice in tokens. Default: the context.</summary>
    public int? MaxOutput { get; init; }

    /// <summary>Feature words that the offer states, such as "tools". Default: what trials at start show, one small
    /// request per feature.</summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>Greatest number of choices in one request. Default 8; 1 where the upstream cannot do more.</summary>
    public int MaxChoices { get; init; } = 8;

    /// <summary>Requests at the upstream at the same time. Default 8.</summary>
    public int Concurrency { get; init; } = 8;

    /// <summary>Requests that may wait for a place; more are refused at once. Default 16.</summary>
    public int Waiting { get; init; } = 16;

    /// <summary>To open a connection. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From sending a request to its first token, loading and prefill included. Default 120 s.</summary>
    public TimeSpan FirstTokenTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Between tokens, keep-alive comments not counted. Default 30 s.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After the last token and the usage, for the end mark; then the answer counts as ended. Default
    /// 2 s.</summary>
    public TimeSpan EndTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Bytes of one event. Default 256 KiB; logprobs and tool calls can be large.</summary>
    public int MaxEventBytes { get; init; } = 256 * 1024;

    /// <summary>Bytes of one whole streamed answer. Default 64 MiB.</summary>
    public long MaxStreamBytes { get; init; } = 64L * 1024 * 1024;

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

        Check(
            BaseUrl.IsAbsoluteUri && BaseUrl.Scheme is "http" or "https" && BaseUrl.UserInfo.Length == 0,
            "BaseUrl must be an absolute http or https URL without user and password.");
        Check(
            CertificateFile is null || (BaseUrl.IsAbsoluteUri && BaseUrl.Scheme == "https"),
            "CertificateFile is for an https upstream.");
        Check(Context is null or > 0, "Context must be positive.");
        Check(MaxOutput is null or > 0, "MaxOutput must be positive.");
        Check(MaxChoices is >= 1 and <= 128, "MaxChoices must be from 1 to 128.");
        Check(Concurrency >= 1, "Concurrency must be at least 1.");
        Check(Waiting >= 0, "Waiting must not be negative.");
        Check(ConnectTimeout > TimeSpan.Zero, "ConnectTimeout must be positive.");
        Check(FirstTokenTimeout > TimeSpan.Zero, "FirstTokenTimeout must be positive.");
        Check(IdleTimeout > TimeSpan.Zero, "IdleTimeout must be positive.");
        Check(EndTimeout > TimeSpan.Zero, "EndTimeout must be positive.");
        Check(MaxEventBytes >= 4096, "MaxEventBytes must be at least 4,096.");
        Check(MaxStreamBytes >= MaxEventBytes, "MaxStreamBytes must be at least MaxEventBytes.");
        return errors;
    }
}
