using System.Buffers;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>
/// One of the APIs that apps speak over the same paid call: how its requests are read, and how answers and errors look
/// in it. What costs money is the same for all of them and is <see cref="ChatDesk"/>'s.
/// </summary>
internal interface IAppApi
{
    /// <summary>Where apps post to, for example <c>/v1/chat/completions</c>.</summary>
    string Path { get; }

    /// <summary>Reads a body, or says what is wrong with it. Never throws on any bytes.</summary>
    ParseResult<IAppRequest> Parse(ReadOnlyMemory<byte> body);

    /// <summary>The body of an error reply to the request of this id; null where it was refused before it had
    /// one.</summary>
    byte[] Error(OpenAiError error, RequestId? id);
}

/// <summary>A request that was understood, with whatever its API remembers of it beyond the paid call.</summary>
internal interface IAppRequest
{
    /// <summary>What is bought. Its <c>Stream</c> says whether the app wants the answer as it arrives.</summary>
    ChatRequest Chat { get; }

    /// <summary>Begins the answer.</summary>
    /// <param name="id">Names it for the app.</param>
    /// <param name="created">Unix seconds.</param>
    /// <param name="promptTokens">Null where only the answer's end tells them.</param>
    IAppReply Begin(RequestId id, long created, long? promptTokens);
}

/// <summary>
/// Writes one answer: either <see cref="Whole"/>, or parts and then one of <see cref="End"/> and <see cref="Fail"/>.
/// What a call puts into the buffer leaves in one write; the buffer is empty at each call and reused for the next, so a
/// token costs no memory. Calls do not overlap.
/// </summary>
internal interface IAppReply : IDisposable
{
    /// <summary>The body of an unstreamed reply.</summary>
    byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage);

    /// <summary>The events for one part, and on the first call those that open the stream; there may be none.</summary>
    void Part(ChunkChoice part, IBufferWriter<byte> output);

    /// <summary>The events that end a whole stream; also where no part came before.</summary>
    /// <param name="choices">What the parts were together.</param>
    void End(IReadOnlyList<ChatChoice> choices, Usage usage, IBufferWriter<byte> output);

    /// <summary>The events that end a stream which failed; a bare close would look like a whole answer.</summary>
    void Fail(OpenAiError error, IBufferWriter<byte> output);
}
