using System.Buffers;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Wire;

namespace Souk.Gateway.Chat;

/// <summary>
/// The app's side of a streamed answer. An app that no longer listens is not an error: the stream goes on without it,
/// since the receipt must be read.
/// </summary>
internal sealed class AppStream(IWireResponse response, IAppReply reply, WireHeaders headers)
{
    private const int MostHeldBytes = 16 << 10;
    private readonly ArrayBufferWriter<byte> _output = new(1_024);
    private bool _isListening = true;

    /// <summary>True once status and headers are out.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Takes a part as the app's API would write it; it leaves with the next sending.</summary>
    public void Add(ChunkChoice part) => reply.Part(part, _output);

    /// <summary>Whether so much is held that it should leave now.</summary>
    public bool IsFull => _output.WrittenCount >= MostHeldBytes;

    /// <summary>Ends a whole answer.</summary>
    public ValueTask EndAsync(IReadOnlyList<ChatChoice> choices, Usage usage)
    {
        reply.End(choices, usage, _output);
        return SendAsync();
    }

    /// <summary>The error event that ends a stream which failed.</summary>
    public ValueTask FailAsync(OpenAiError error)
    {
        reply.Fail(error, _output);
        return SendAsync();
    }

    /// <summary>Sends what is held; the first time, status and headers with it.</summary>
    public async ValueTask SendAsync()
    {
        if (_output.WrittenCount == 0)
        {
            return;
        }

        try
        {
            if (!IsStarted)
            {
                IsStarted = true;
                headers["content-type"] = "text/event-stream; charset=utf-8";
                headers["cache-control"] = "no-cache";
                await response.StartAsync(200, headers, CancellationToken.None);
            }

            if (_isListening)
            {
                await response.WriteAsync(_output.WrittenMemory, CancellationToken.None);
            }
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException)
        {
            _isListening = false;
        }

        _output.ResetWrittenCount();
    }
}
