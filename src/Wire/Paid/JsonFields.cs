using System.Text.Json;
using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>
/// Reads a peer's JSON object field by field. The first field that is missing or wrong is remembered and the whole
/// object is refused by its name; until then readers return defaults, so a message is read in one straight line.
/// </summary>
internal sealed class JsonFields
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    private readonly JsonElement _element;
    private readonly JsonFields _root;
    private string? _failure;

    private JsonFields(JsonElement element, JsonFields? root)
    {
        _element = element;
        _root = root ?? this;
        if (element.ValueKind != JsonValueKind.Object)
        {
            Fail("body");
        }
    }

    /// <summary>Parses bounded JSON and reads it, or says what is wrong with it.</summary>
    public static Result<T> Parse<T>(ReadOnlyMemory<byte> json, int most, string what, Func<JsonFields, T> read)
    {
        if (json.Length > most)
        {
            return new Refusal(Fault.Theirs, WireCodes.TooLarge, $"The {what} is larger than {most} bytes.");
        }

        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            var fields = new JsonFields(document.RootElement, null);
            var value = fields._failure is null ? read(fields) : default!;
            return fields._failure is null
                ? (Result<T>)value
                : WireError.Malformed(what, $"has no usable field {fields._failure}");
        }
        catch (JsonException)
        {
            return WireError.Malformed(what, "is not JSON");
        }
        catch (InvalidOperationException)
        {
            // A string with an unpaired surrogate parses and then cannot be read.
            return WireError.Malformed(what, "holds text that is not Unicode");
        }
    }

    public void Fail(string name) => _root._failure ??= name;

    public bool Has(string name) =>
        _element.ValueKind == JsonValueKind.Object
        && _element.TryGetProperty(name, out var value)
        && value.ValueKind != JsonValueKind.Null;

    public JsonFields Object(string name) => new(Get(name, JsonValueKind.Object), _root);

    public string Text(string name, int most)
    {
        var value = Get(name, JsonValueKind.String);
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        if (text.Length > most)
        {
            Fail(name);
            return "";
        }

        return text;
    }

    public string? OptionalText(string name, int most) => Has(name) ? Text(name, most) : null;

    /// <summary>A text that may be absent or of another kind, in which case it says nothing.</summary>
    public string? TextOrNull(string name) => HasText(name, out var value) ? value.GetString() : null;

    public bool Is(string name, string text) => HasText(name, out var value) && value.ValueEquals(text);

    public bool Begins(string name, string prefix) =>
        HasText(name, out var value) && value.GetString()!.StartsWith(prefix, StringComparison.Ordinal);

    public bool Flag(string name)
    {
        if (_element.ValueKind == JsonValueKind.Object
            && _element.TryGetProperty(name, out var value)
            && value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return value.ValueKind == JsonValueKind.True;
        }

        Fail(name);
        return false;
    }

    /// <summary>This object's JSON text.</summary>
    public string? Raw() => _element.ValueKind == JsonValueKind.Object ? _element.GetRawText() : null;

    /// <summary>The JSON text of an object that may be absent.</summary>
    public string? RawObject(string name) => Has(name) ? Object(name).Raw() : null;

    public ulong Number(string name)
    {
        var value = Get(name, JsonValueKind.Number);
        if (value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out var number))
        {
            return number;
        }

        Fail(name);
        return 0;
    }

    public T Parsed<T>(string name, TryParse<T> parse, int most = 140)
    {
        if (!parse(Text(name, most), out var value))
        {
            Fail(name);
        }

        return value;
    }

    public byte[] Bytes(string name, int most)
    {
        var text = Text(name, 2 + (2 * most));
        if (text.StartsWith("0x", StringComparison.Ordinal) && text.Length % 2 == 0)
        {
            try
            {
                return Convert.FromHexString(text.AsSpan(2));
            }
            catch (FormatException)
            {
                // Falls through to the refusal.
            }
        }

        Fail(name);
        return [];
    }

    /// <summary>An array of at most <paramref name="most"/> objects.</summary>
    public List<T> Objects<T>(string name, int most, Func<JsonFields, T> read)
    {
        var list = new List<T>();
        foreach (var element in Array(name, most))
        {
            var fields = new JsonFields(element, _root);
            if (_root._failure is not null)
            {
                break;
            }

            list.Add(read(fields));
        }

        return list;
    }

    /// <summary>The same, of which only some elements are read.</summary>
    public List<T> Objects<T>(string name, int most, Func<JsonFields, bool> isRead, Func<JsonFields, T> read)
        where T : class =>
        Objects<T?>(name, most, fields => isRead(fields) ? read(fields) : null).OfType<T>().ToList();

    /// <summary>An array of at most <paramref name="most"/> numbers from 0 to 2^31 - 1.</summary>
    public int[] Numbers(string name, int most)
    {
        var array = Get(name, JsonValueKind.Array);
        var length = array.ValueKind == JsonValueKind.Array ? array.GetArrayLength() : 0;
        if (length > most)
        {
            Fail(name);
            return [];
        }

        var numbers = new int[length];
        var i = 0;
        foreach (var element in Array(name, most))
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out numbers[i]) || numbers[i++] < 0)
            {
                Fail(name);
                return [];
            }
        }

        return numbers;
    }

    /// <summary>A message whose form another room knows.</summary>
    public T Foreign<T>(string name, Func<ReadOnlyMemory<byte>, Result<T>> parse)
        where T : class
    {
        var element = Get(name, JsonValueKind.Object);
        if (element.ValueKind == JsonValueKind.Object
            && parse(System.Text.Encoding.UTF8.GetBytes(element.GetRawText())).TryGet(out var value, out _))
        {
            return value;
        }

        Fail(name);
        return null!;
    }

    /// <summary>An array of such messages.</summary>
    public List<T> Foreigns<T>(string name, int most, Func<ReadOnlyMemory<byte>, Result<T>> parse)
    {
        var list = new List<T>();
        foreach (var element in Array(name, most))
        {
            if (!parse(System.Text.Encoding.UTF8.GetBytes(element.GetRawText())).TryGet(out var value, out _))
            {
                Fail(name);
                break;
            }

            list.Add(value);
        }

        return list;
    }

    private JsonElement.ArrayEnumerator Array(string name, int most)
    {
        var array = Get(name, JsonValueKind.Array);
        if (array.ValueKind != JsonValueKind.Array || array.GetArrayLength() > most)
        {
            Fail(name);
            return default;
        }

        return array.EnumerateArray();
    }

    private bool HasText(string name, out JsonElement value)
    {
        value = default;
        return _element.ValueKind == JsonValueKind.Object
            && _element.TryGetProperty(name, out value)
            && value.ValueKind == JsonValueKind.String;
    }

    private JsonElement Get(string name, JsonValueKind kind)
    {
        if (_element.ValueKind == JsonValueKind.Object
            && _element.TryGetProperty(name, out var value)
            && value.ValueKind == kind)
        {
            return value;
        }

        Fail(name);
        return default;
    }
}

internal delegate bool TryParse<T>(string text, out T value);
