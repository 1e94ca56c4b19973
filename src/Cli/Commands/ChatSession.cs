using Souk.Cli.Hosting;
using Souk.Cli.Output;

namespace Souk.Cli.Commands;

/// <summary>A conversation on the terminal: answers stream in, each with its cost.</summary>
internal sealed class ChatSession(OpenAiLink link, Screen screen, string model)
{
    private readonly List<(string Role, string Content)> _messages = [];

    /// <summary>Asks once, or talks until the input ends or the person says /exit.</summary>
    public async Task<int> RunAsync(string? prompt, CancellationToken cancellation)
    {
        if (prompt is not null)
        {
            return await AskAsync(prompt, cancellation) ? ExitCodes.Ok : ExitCodes.Failed;
        }

        screen.Line($"Talking to {model}. An empty line or /exit ends the chat, /new starts a new one.");
        while (!cancellation.IsCancellationRequested)
        {
            screen.Write("> ");
            switch (await Console.In.ReadLineAsync(cancellation))
            {
                case null or "" or "/exit":
                    return ExitCodes.Ok;
                case "/new":
                    _messages.Clear();
                    break;
                case { } question:
                    await AskAsync(question, cancellation);
                    break;
            }
        }

        return ExitCodes.Ok;
    }

    private async Task<bool> AskAsync(string question, CancellationToken cancellation)
    {
        _messages.Add(("user", question));
        var answer = await link.ChatAsync(model, _messages, screen.Write, cancellation);
        screen.Line();
        if (!answer.TryGet(out var reply, out var refusal))
        {
            _messages.RemoveAt(_messages.Count - 1);
            screen.Error(refusal.Message);
            return false;
        }

        _messages.Add(("assistant", reply.Text));
        screen.Field("cost", $"{reply.Cost} ({reply.PromptTokens} tokens in, {reply.CompletionTokens} out)");
        return true;
    }
}
