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
    private readonly ArrayBufferWriter<byte> _output = new(1_024);
    private bool _isListening = true;

    /// <summary>True once status and headers are out.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Passes a part on as the app's API would write it.</summary>
    public ValueTask WriteAsync(ChunkChoice part)
    {
        _output.ResetWrittenCount();
        reply.Part(part, _output);
        return SendAsync();
    }

    /// <summary>Ends a whole answer.</summary>
    public ValueTask EndAsync(IReadOnlyList<ChatChoice> choices, Usage usage)
    {
        _output.ResetWrittenCount();
        reply.End(choices, usage, _output);
        return SendAsync();
    }

    /// <summary>The error event that ends a stream which failed.</summary>
    public ValueTask FailAsync(OpenAiError error)
    {
        _output.ResetWrittenCount();
        reply.Fail(error, _output);
        return SendAsync();
    }

    private async ValueTask SendAsync()
    {
        try
        {
            if (!IsStarted)
            {
                IsStarted = true;
                headers["content-type"] = "text/event-stream; charset=utf-8";
                headers["cache-control"] = "no-cache";
                await response.StartAsync(200, headers, CancellationToken.None);
            }

            if (_isListening && _output.WrittenCount > 0)
            {
                await response.WriteAsync(_output.WrittenMemory, CancellationToken.None);
            }
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException)
        {
            _isListening = false;
        }
    }
}
