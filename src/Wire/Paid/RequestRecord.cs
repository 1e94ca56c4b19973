using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>Where a paid request stands.</summary>
public enum RequestState
{
    /// <summary>It waits or runs; no receipt yet.</summary>
    Running,

    /// <summary>It has ended, well or not; its receipt says how.</summary>
    Ended,
}

/// <summary>One choice of an answer: every billable token id, and why it ended, or null while it runs.</summary>
public sealed record RequestChoice(IReadOnlyList<int> Ids, string? FinishReason);

/// <summary>
/// The body of GET /souk/v1/requests/{id}, served for 24 h: what a broken stream would have carried. Without token ids
/// (counting by usage) the choices' lists are empty.
/// </summary>
public sealed record RequestRecord(
    RequestId Id, RequestState State, IReadOnlyList<RequestChoice> Choices, Signed<Receipt>? Receipt)
{
    /// <summary>The most bytes of the body.</summary>
    public const int MostBytes = 16 << 20;

    private const int MostChoices = 256;
    private const int MostIds = 1 << 20;
    private const int MostReasonCharacters = 64;

    /// <summary>The body.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteString("id", Id.ToString());
        json.WriteString("state", State == RequestState.Running ? "running" : "ended");
        json.WriteArray("choices", Choices, static (to, choice) =>
        {
            to.WriteStartObject();
            to.WriteArray("ids", choice.Ids, static (ids, id) => ids.WriteNumberValue(id));
            to.WriteString("finish_reason", choice.FinishReason);
            to.WriteEndObject();
        });
        if (Receipt is { } receipt)
        {
            json.WritePropertyName("receipt");
            json.WriteRawValue(SoukJson.Serialize(receipt));
        }
    });

    /// <summary>Reads a body; the receipt's signature is the reader's to check.</summary>
    public static Result<RequestRecord> Parse(ReadOnlyMemory<byte> body) =>
        JsonFields.Parse(body, MostBytes, "request record", fields => new RequestRecord(
            fields.Parsed<RequestId>("id", RequestId.TryParse),
            fields.Parsed<RequestState>("state", TryParseState),
            fields.Objects("choices", MostChoices, choice => new RequestChoice(
                choice.Numbers("ids", MostIds), choice.OptionalText("finish_reason", MostReasonCharacters))),
            fields.Has("receipt")
                ? fields.Foreign("receipt", json => SoukJson.Parse<Signed<Receipt>>(json.Span))
                : null));

    private static bool TryParseState(string text, out RequestState state)
    {
        state = text == "running" ? RequestState.Running : RequestState.Ended;
        return text is "running" or "ended";
    }
}
