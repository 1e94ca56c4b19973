using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Dialogue;

/// <summary>
/// Puts chat messages together from the items of another API, where calls and their results stand by themselves. A
/// chat wants calls inside the assistant's message, results right after it, and images only from the user.
/// </summary>
internal sealed class ConversationBuilder(FieldReader fields, ChatLimits limits)
{
    private readonly List<ChatMessage> _messages = [];
    private readonly List<ContentPart> _shown = [];

    /// <summary>Images so far, over all messages.</summary>
    internal int Images { get; set; }

    /// <summary>Adds what somebody said.</summary>
    /// <param name="joins">Turns of one role that follow each other are one turn, as Anthropic has it.</param>
    internal void Say(string role, IReadOnlyList<ContentPart> parts, bool joins = false)
    {
        if (role == "user" && _shown.Count > 0)
        {
            parts = [.. _shown, .. parts];
            _shown.Clear();
        }

        Show();
        if (joins && _messages is [.., { ToolCalls.Count: 0 } last] && last.Role == role)
        {
            _messages[^1] = Message(role, [.. last.Parts, .. parts]);
        }
        else
        {
            _messages.Add(Message(role, parts));
        }
    }

    /// <summary>Adds a call that the assistant made, to its last message where that is its turn.</summary>
    internal void Call(ToolCall call, string path)
    {
        Show();
        if (_messages is not [.., { Role: "assistant" } last])
        {
            _messages.Add(new ChatMessage("assistant", []) { ToolCalls = [call] });
        }
        else if (last.ToolCalls.Count >= limits.MaxToolCalls)
        {
            fields.FailValue(path, $"at most {limits.MaxToolCalls} calls are taken in one turn.");
        }
        else
        {
            _messages[^1] = last with { ToolCalls = [.. last.ToolCalls, call] };
        }
    }

    /// <summary>Adds what a call brought. Its images go into the user's next message.</summary>
    internal void Result(string callId, IReadOnlyList<ContentPart> parts)
    {
        _shown.AddRange(parts.Where(part => part.Kind == ContentPart.ImageKind));
        _messages.Add(Message("tool", [.. parts.Where(part => part.Kind != ContentPart.ImageKind)]) with
        {
            ToolCallId = callId,
        });
    }

    /// <summary>The conversation; <paramref name="path"/> is the field that it was read from.</summary>
    internal IReadOnlyList<ChatMessage> End(string path)
    {
        Show();
        if (_messages.Count > limits.MaxMessages)
        {
            fields.FailValue(path, $"at most {limits.MaxMessages} messages are taken.", "array_above_max_length");
        }

        return _messages;
    }

    private void Show()
    {
        if (_shown.Count > 0)
        {
            _messages.Add(Message("user", [.. _shown]));
            _shown.Clear();
        }
    }

    // Text alone goes as a string, which every template and upstream takes.
    private static ChatMessage Message(string role, IReadOnlyList<ContentPart> parts) =>
        parts.Any(part => part.Kind == ContentPart.ImageKind)
            ? new ChatMessage(role, parts) { IsPartArray = true }
            : ChatMessage.OfText(role, string.Join('\n', parts.Select(part => part.Text)));
}
