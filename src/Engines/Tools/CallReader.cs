using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Souk.Engines.Tools;

/// <summary>Tells the calls in an answer's text from the rest, piece by piece, and writes them as OpenAI's deltas. What
/// it reads followed a grammar, or was cut short by a limit or a stop string. Not safe for concurrent use.</summary>
internal sealed class CallReader(ToolConvention convention, Func<int, string> callId)
{
    private static readonly JsonWriterOptions Relaxed =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly StringBuilder held = new();
    private readonly StringBuilder word = new();
    private readonly StringBuilder arguments = new();
    private readonly ArrayBufferWriter<byte> deltas = new();
    private bool isInCalls;
    private bool isPlain;
    private long read;
    private long openedAt = long.MaxValue;
    private int depth;
    private bool isInString;
    private bool isEscaped;
    private string? key;
    private int calls;

    /// <summary>Whether the answer has a call whose name is known.</summary>
    public bool HasCalls => calls > 0;

    /// <summary>A special token opened the calls.</summary>
    /// <param name="position">UTF-16 units of text before it.</param>
    public void Open(long position) => openedAt = Math.Min(openedAt, position);

    /// <summary>Takes text that is certain.</summary>
    /// <param name="piece">The text since the last time.</param>
    /// <param name="isLast">Nothing more will come.</param>
    /// <returns>What of it is content, and the array of deltas that it makes, or empty.</returns>
    public (string Content, ReadOnlyMemory<byte> Deltas) Push(string piece, bool isLast)
    {
        deltas.ResetWrittenCount();
        string content;
        using (var json = new Utf8JsonWriter(deltas, Relaxed))
        {
            json.WriteStartArray();
            content = Split(piece, isLast, json);
            FlushArguments(json);
            json.WriteEndArray();
        }

        return (content, deltas.WrittenCount > 2 ? deltas.WrittenSpan.ToArray() : default);
    }

    private string Split(string piece, bool isLast, Utf8JsonWriter json)
    {
        if (isInCalls)
        {
            Scan(piece, json);
            return "";
        }

        if (openedAt != long.MaxValue)
        {
            int before = (int)Math.Clamp(openedAt - read, 0, piece.Length);
            read += piece.Length;
            isInCalls = read >= openedAt;
            Scan(piece[before..], json);
            string all = held.Append(piece, 0, before).ToString();
            held.Clear();
            return all;
        }

        read += piece.Length;
        held.Append(piece);
        string text = held.ToString();
        int calling = text.Length;
        int content = isPlain ? text.Length : ContentLength(text, isLast, out calling);
        held.Clear();
        if (isInCalls)
        {
            Scan(text[calling..], json);
        }
        else
        {
            held.Append(text, content, text.Length - content);
        }

        return text[..content];
    }

    // How much of the text is content for certain, and where calls begin in it.
    private int ContentLength(string text, bool isLast, out int calling)
    {
        calling = text.Length;
        if (convention.Opening.Length == 0)
        {
            int first = text.AsSpan().IndexOfAnyExcept(" \n\r\t");
            isPlain = first >= 0 && text[first] != '{';
            isInCalls = first >= 0 && !isPlain;
            calling = isInCalls ? first : text.Length;
            return isPlain || isLast ? text.Length : isInCalls ? first : 0;
        }

        int at = text.IndexOf(convention.Opening, StringComparison.Ordinal);
        if (at >= 0)
        {
            isInCalls = true;
            calling = at;
            return at;
        }

        for (int length = Math.Min(convention.Opening.Length - 1, text.Length); length > 0 && !isLast; length--)
        {
            if (convention.Opening.AsSpan().StartsWith(text.AsSpan(text.Length - length), StringComparison.Ordinal))
            {
                return text.Length - length;
            }
        }

        return text.Length;
    }

    private int CallDepth => convention.IsList ? 2 : 1;

    private bool IsInArguments => key == convention.ArgumentsKey && depth > CallDepth;

    private void Scan(string text, Utf8JsonWriter json)
    {
        foreach (char letter in text)
        {
            if (isInString)
            {
                ScanString(letter, json);
                continue;
            }

            bool isInside = IsInArguments;
            switch (letter)
            {
                case '"':
                    isInString = true;
                    word.Clear().Append(letter);
                    break;
                case '{' or '[' when depth > 0 || letter == (convention.IsList ? '[' : '{'):
                    depth++;
                    break;
                case '}' or ']' when depth > 0:
                    depth--;
                    break;
                case ',' when depth == CallDepth:
                    key = null;
                    break;
                default:
                    break;
            }

            if (isInside || IsInArguments)
            {
                arguments.Append(letter);
            }

            key = depth < CallDepth ? null : key;
        }
    }

    private void ScanString(char letter, Utf8JsonWriter json)
    {
        word.Append(letter);
        if (IsInArguments)
        {
            arguments.Append(letter);
        }

        if (letter == '"' && !isEscaped)
        {
            isInString = false;
            if (depth == CallDepth)
            {
                EndWord(json);
            }
        }

        isEscaped = letter == '\\' && !isEscaped;
    }

    // A string directly in the object of a call: the name of a member, or the name of the function.
    private void EndWord(Utf8JsonWriter json)
    {
        string text = JsonSerializer.Deserialize<string>(word.ToString())!;
        if (key is null)
        {
            key = text;
        }
        else if (key == "name")
        {
            FlushArguments(json);
            json.WriteStartObject();
            json.WriteNumber("index", calls);
            json.WriteString("id", callId(calls));
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", text);
            json.WriteString("arguments", "");
            json.WriteEndObject();
            json.WriteEndObject();
            calls++;
        }
    }

    private void FlushArguments(Utf8JsonWriter json)
    {
        if (arguments.Length == 0)
        {
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("index", calls - 1);
        json.WriteStartObject("function");
        json.WriteString("arguments", arguments.ToString());
        json.WriteEndObject();
        json.WriteEndObject();
        arguments.Clear();
    }
}
