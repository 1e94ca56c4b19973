using System.Buffers;
using System.Text.Json;
using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>
/// A failure as one node tells it to another. On the wire the fault is <c>requester</c>, <c>responder</c> or
/// <c>nobody</c>, because "theirs" would mean the opposite on each side; here it is as this side sees it.
/// </summary>
public sealed record WireError(int Status, string Code, string Message, Fault Fault)
{
    /// <summary>The most bytes of an error body that are read.</summary>
    public const int MostBytes = 16 << 10;

    private const int MostCodeCharacters = 64;
    private const int MostMessageCharacters = 1024;

    internal static WireError Internal { get; } =
        new(500, "internal", "This node failed; try again or elsewhere.", Fault.Ours);

    internal static WireError BodyTooSlow { get; } =
        new(408, "body_too_slow", "The request's body did not arrive in time.", Fault.Theirs);

    /// <summary>A failure to send, with the status that fits the fault unless one is given.</summary>
    public static WireError From(Refusal refusal, int? status = null) =>
        new(status ?? (refusal.Fault == Fault.Theirs ? 400 : 503), refusal.Code, refusal.Message, refusal.Fault);

    /// <summary>The same failure as a value of this side.</summary>
    public Refusal ToRefusal() => new(Fault, Code, Message);

    /// <summary>The body to send: <c>{"error":{"code","message","fault"}}</c>.</summary>
    public ReadOnlyMemory<byte> ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("code", Code);
        json.WriteString("message", Message);
        json.WriteString("fault", Fault switch
        {
            Fault.Theirs => "requester",
            Fault.Ours => "responder",
            _ => "nobody",
        });
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    /// <summary>Reads a peer's error body; whatever it holds, the result is bounded and fit to show.</summary>
    public static WireError Parse(int status, ReadOnlyMemory<byte> body)
    {
        var parsed = JsonFields.Parse(body, MostBytes, "error", fields =>
        {
            var error = fields.Object("error");
            return new WireError(
                status,
                error.Text("code", MostCodeCharacters),
                Printable(error.Text("message", MostMessageCharacters)),
                error.Text("fault", MostCodeCharacters) switch
                {
                    "requester" => Fault.Ours,
                    "nobody" => Fault.Nobody,
                    _ => Fault.Theirs,
                });
        });
        return parsed.TryGet(out var value, out _)
            ? value with { Code = Printable(value.Code) }
            : new(status, WireCodes.UnexpectedStatus, $"The peer answered with status {status}.", Fault.Theirs);
    }

    internal static WireError Busy(int status) =>
        new(
            status,
            "busy",
            "Too many requests at once; try again in a moment.",
            status == 429 ? Fault.Theirs : Fault.Nobody);

    internal static WireError BodyTooLarge(int most) =>
        new(413, WireCodes.TooLarge, $"The request's body is larger than {most} bytes.", Fault.Theirs);

    internal static Refusal Malformed(string what, string why) =>
        new(Fault.Theirs, WireCodes.Malformed, $"The {what} {why}.");

    // A peer's words end up in terminals and logs, where control characters could forge lines.
    private static string Printable(string text) =>
        string.Create(text.Length, text, static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
            {
                to[i] = char.IsControl(from[i]) ? ' ' : from[i];
            }
        });
}
