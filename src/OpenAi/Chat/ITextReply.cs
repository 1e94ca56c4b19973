using System.Buffers;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Chat;

/// <summary>Writes one answer in the shape of chat completions or of the older completions: as one object, or as the
/// events of a stream, which are written to a buffer. Not safe for concurrent use.</summary>
public interface ITextReply : IDisposable
{
    /// <summary>The body of an unstreamed reply.</summary>
    byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage);

    /// <summary>The events for one part of a streamed answer; there may be none.</summary>
    void Part(ChunkChoice part, IBufferWriter<byte> output);

    /// <summary>Usage where the app asked for it, then the end mark.</summary>
    void End(Usage usage, IBufferWriter<byte> output);

    /// <summary>The event that ends a stream which failed.</summary>
    void Fail(OpenAiError error, IBufferWriter<byte> output);
}
