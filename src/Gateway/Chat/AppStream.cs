using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Wire;

namespace Souk.Gateway.Chat;

/// <summary>
/// The app's side of a streamed answer. An app that no longer listens is not an error: the stream goes on without it,
/// since the receipt must be read.
/// </summary>
internal sealed class AppStream(IWireResponse response, ChatStreamWriter writer, WireHeaders headers, ChatRequest chat)
{
    private readonly bool[] _hasRole = new bool[chat.Choices];
    private bool _isListening = true;

    /// <summary>True once status and headers are out.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Passes a part on as OpenAI would write it.</summary>
    public async ValueTask WriteAsync(ChunkChoice part)
    {
        if (!IsStarted)
        {
            await StartAsync();
        }

        if (!_hasRole[part.Index])
        {
            _hasRole[part.Index] = true;
            await SendAsync(writer.Role(part.Index));
        }

        var ids = chat.ReturnTokenIds && part.TokenIds is { } told ? told : [];
        if (!part.ToolCalls.IsEmpty)
        {
            await SendAsync(writer.ToolCalls(part.Index, part.ToolCalls.Span, ids));
        }
        else if (part.Reasoning is { Length: > 0 } reasoning)
        {
            await SendAsync(writer.Reasoning(part.Index, reasoning, ids));
        }
        else if (part.Content is { Length: > 0 } content)
        {
            await SendAsync(writer.Text(part.Index, content, ids, part.Logprobs.Span));
        }
        else if (ids.Length > 0)
        {
            await SendAsync(writer.Text(part.Index, "", ids));
        }

        if (part.FinishReason is { } reason)
        {
            await SendAsync(writer.Finish(part.Index, FinishReasons.Accepted(reason)));
        }
    }

    /// <summary>Usage where the app asked for it, then the end mark.</summary>
    public async ValueTask EndAsync(Usage usage)
    {
        if (!IsStarted)
        {
            await StartAsync();
        }

        if (chat.IncludeUsage)
        {
            await SendAsync(writer.Usage(usage));
        }

        await SendAsync(ChatStreamWriter.Done);
    }

    /// <summary>The error event that ends a stream which failed; a bare close would look like a whole answer.</summary>
    public async ValueTask FailAsync(OpenAiError error)
    {
        if (!IsStarted)
        {
            await StartAsync();
        }

        await SendAsync(writer.Error(error));
    }

    private async ValueTask StartAsync()
    {
        IsStarted = true;
        headers["content-type"] = "text/event-stream; charset=utf-8";
        headers["cache-control"] = "no-cache";
        try
        {
            await response.StartAsync(200, headers, CancellationToken.None);
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException)
        {
            _isListening = false;
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> data)
    {
        if (!_isListening)
        {
            return;
        }

        try
        {
            await response.WriteAsync(data, CancellationToken.None);
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException)
        {
            _isListening = false;
        }
    }
}
