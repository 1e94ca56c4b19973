using System.Buffers;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.Gateway.Chat;

/// <summary>An answer as OpenAI's chat completions and older completions write it.</summary>
internal sealed class TextReply(ITextReply reply) : IAppReply
{
    public byte[] Whole(IReadOnlyList<ChatChoice> choices, Usage usage) => reply.Whole(choices, usage);

    public void Part(ChunkChoice part, IBufferWriter<byte> output) => reply.Part(part, output);

    public void End(IReadOnlyList<ChatChoice> choices, Usage usage, IBufferWriter<byte> output) =>
        reply.End(usage, output);

    public void Fail(OpenAiError error, IBufferWriter<byte> output) => reply.Fail(error, output);

    public void Dispose() => reply.Dispose();
}
