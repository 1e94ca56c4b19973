using System.Text.Json;

namespace Souk.Protocol;

/// <summary>Reads a network file field by field, so that a person sees every mistake in one go.</summary>
internal sealed class NetworkFileReader
{
    private const int MaxUrls = 64;
    private readonly JsonElement _root;
    private readonly List<string> _errors = [];
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    private NetworkFileReader(JsonElement root) => _root = root;

    public static Result<NetworkFile> Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > NetworkFile.MaxBytes)
        {
            return Invalid($"it is larger than {NetworkFile.MaxBytes} bytes.");
        }

        try
        {
            var options = new JsonDocumentOptions
            {
                MaxDepth = 8, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
            };
            using var document = JsonDocument.Parse(utf8.ToArray(), options);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new NetworkFileReader(document.RootElement).Read()
                : Invalid("it is not a JSON object.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter is how the reader reports a text that escapes half a surrogate pair.
            return Invalid($"it is not JSON: {e.Message}");
        }
    }

    private Result<NetworkFile> Read()
    {
        var file = new NetworkFile(
            (ulong)Number("chain_id", 1, long.MaxValue),
            Urls("rpc_urls", 1),
            Address("escrow"),
            Address("registry"),
            Address("vault_factory"),
            Address("currency"),
            (int)Number("currency_decimals", 0, 38),
            Seconds("block_time"),
            (int)Number("confirmations", 1, 10_000),
            (int)Number("max_head_age", 1, 86_400),
            OptionalText("catalogue"),
            OptionalAddress("catalogue_signer"),
            Urls("indexers", 0),
            OptionalAddress("erc3009_collector"));
        if ((file.Catalogue is null) != (file.CatalogueSigner is null))
        {
            _errors.Add("catalogue and catalogue_signer go together: give both or neither");
        }

        foreach (var property in _root.EnumerateObject())
        {
            if (!_known.Contains(property.Name))
            {
                _errors.Add($"{property.Name} is not a field of a network file");
            }
        }

        return _errors.Count == 0 ? file : Invalid(string.Join("\n", _errors.Select(error => $"  {error}")), "\n");
    }

    private static Refusal Invalid(string problem, string separator = " ") =>
        new(Fault.Ours, "network_file_invalid", $"The network file cannot be used:{separator}{problem}");

    private JsonElement? Field(string name, bool isRequired = true)
    {
        _known.Add(name);
        if (_root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
        {
            return value;
        }

        if (isRequired)
        {
            _errors.Add($"{name} is missing");
        }

        return null;
    }

    private long Number(string name, long least, long greatest)
    {
        if (Field(name) is not { } value)
        {
            return 0;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
            && number >= least && number <= greatest)
        {
            return number;
        }

        _errors.Add($"{name} must be a whole number from {least} to {greatest}");
        return 0;
    }

    private double Seconds(string name)
    {
        if (Field(name) is not { } value)
        {
            return 0;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds)
            && seconds is > 0 and <= 3600)
        {
            return seconds;
        }

        _errors.Add($"{name} must be a number of seconds above 0, at most 3600");
        return 0;
    }

    private Address Address(string name)
    {
        if (Field(name) is not { } value)
        {
            return default;
        }

        if (value.ValueKind == JsonValueKind.String && Protocol.Address.TryParse(value.GetString(), out var address)
            && !address.IsZero)
        {
            return address;
        }

        _errors.Add($"{name} must be an address that is not zero, in one case or with its EIP-55 checksum");
        return default;
    }

    private Address? OptionalAddress(string name) => Field(name, isRequired: false) is null ? null : Address(name);

    private string? OptionalText(string name)
    {
        if (Field(name, isRequired: false) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text)
        {
            return text;
        }

        _errors.Add($"{name} must be a text that is not empty");
        return null;
    }

    private string[] Urls(string name, int least)
    {
        if (Field(name, isRequired: least > 0) is not { } value)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() < least
            || value.GetArrayLength() > MaxUrls)
        {
            _errors.Add($"{name} must be a list of {least} to {MaxUrls} URLs");
            return [];
        }

        var urls = new List<string>();
        foreach (var item in value.EnumerateArray())
        {
            var text = item.ValueKind == JsonValueKind.String ? item.GetString() : null;
            if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is ("http" or "https"))
            {
                urls.Add(text!);
            }
            else
            {
                _errors.Add($"{name}[{urls.Count}] must be an absolute http(s) URL");
            }
        }

        return [.. urls];
    }
}
