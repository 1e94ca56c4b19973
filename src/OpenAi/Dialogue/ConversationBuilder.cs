using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Dialogue;

/// <summary>
/// Puts chat messages together from the items of another API, where calls and their results stand by themselves. A
/// chat wants calls inside the assistant's message, results right after it, and images only from the user.
/// </summary>
internal sealed class ConversationBuilder(FieldReader fields, ChatLimits limits)
{
    private readonly List<Draft> _drafts = [];
    private readonly List<ContentPart> _shown = [];

    /// <summary>Images so far, over all messages.</summary>
    internal int Images { get; set; }

    /// <summary>Adds what somebody said.</summary>
    /// <param name="joins">Turns of one role that follow each other are one turn, as Anthropic has it.</param>
    internal void Say(string role, IReadOnlyList<ContentPart> parts, bool joins = false)
    {
        if (role != "user")
        {
            Show();
        }

        if (!joins || _drafts is not [.., { Calls.Count: 0 } last] || last.Role != role)
        {
            last = Add(role);
        }

        last.Parts.AddRange(_shown);
        _shown.Clear();
        last.Parts.AddRange(parts);
    }

    /// <summary>Adds a call that the assistant made, to its last message where that is its turn.</summary>
    internal void Call(ToolCall call, string path)
    {
        Show();
        if (_drafts is not [.., { Role: "assistant" } last])
        {
            last = Add("assistant");
        }

        last.Calls.Add(call);
        if (last.Calls.Count > limits.MaxToolCalls)
        {
            fields.FailValue(path, $"at most {limits.MaxToolCalls} calls are taken in one turn.");
        }
    }

    /// <summary>Adds what a call brought. Its images go into the user's next message.</summary>
    internal void Result(string callId, IReadOnlyList<ContentPart> parts)
    {
        var result = Add("tool");
        result.CallId = callId;
        result.Parts.AddRange(parts.Where(part => part.Kind != ContentPart.ImageKind));
        _shown.AddRange(parts.Where(part => part.Kind == ContentPart.ImageKind));
    }

    /// <summary>The conversation; <paramref name="path"/> is the field that it was read from.</summary>
    internal IReadOnlyList<ChatMessage> End(string path)
    {
        Show();
        if (_drafts.Count > limits.MaxMessages)
        {
            fields.FailValue(path, $"at most {limits.MaxMessages} messages are taken.", "array_above_max_length");
        }

        return fields.Error is null ? _drafts.ConvertAll(draft => draft.ToMessage()) : [];
    }

    private Draft Add(string role)
    {
        var draft = new Draft(role);
        _drafts.Add(draft);
        return draft;
    }

    private void Show()
    {
        if (_shown.Count > 0)
        {
            Add("user").Parts.AddRange(_shown);
            _shown.Clear();
        }
    }

    private sealed class Draft(string role)
    {
        internal string Role { get; } = role;

        internal List<ContentPart> Parts { get; } = [];

        internal List<ToolCall> Calls { get; } = [];

        internal string? CallId { get; set; }

        // Text alone goes as a string, which every template and upstream takes; a turn of calls only has no content.
        internal ChatMessage ToMessage()
        {
            var hasImage = Parts.Exists(part => part.Kind == ContentPart.ImageKind);
            IReadOnlyList<ContentPart> content = hasImage ? Parts
                : Parts.Count == 0 && Calls.Count > 0 ? []
                : [new ContentPart(ContentPart.TextKind, string.Join('\n', Parts.Select(part => part.Text)))];
            return new ChatMessage(Role, content)
            {
                IsPartArray = hasImage, ToolCalls = Calls, ToolCallId = CallId,
            };
        }
    }
}
