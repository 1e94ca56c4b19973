using System.Text;
using Souk.Engines.Tools;
using Souk.Market.Pricing;
using Souk.OpenAi.Chat;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Chat;

/// <summary>What one choice has brought so far.</summary>
internal sealed class ChoiceSoFar
{
    public List<int> Ids { get; } = [];

    public StringBuilder Text { get; } = new();

    public StringBuilder Reasoning { get; } = new();

    public ToolCallsSoFar ToolCalls { get; } = new();

    public LogprobsSoFar Logprobs { get; } = new();

    public LogprobsSoFar PromptLogprobs { get; } = new();

    /// <summary>Characters of everything that is kept here: text, reasoning and tool calls.</summary>
    public ulong Characters { get; set; }

    public string? FinishReason { get; set; }

    /// <summary>The vectors of a request to embed; they all come with its first choice.</summary>
    public IReadOnlyList<float[]> Vectors { get; set; } = [];
}

/// <summary>
/// Collects a paid stream: ids for the receipt, text for the app. Counts as the provider must, and refuses a stream
/// that brings more than was asked for.
/// </summary>
internal sealed class Answer(PaidCall call)
{
    private const ulong SpareCharacters = 4096;
    private const ulong MostCharactersPerToken = 512;

    // Twenty alternatives, each with its text and its bytes in digits.
    private const ulong MostLogprobsPerToken = 16 << 10;
    private readonly ChoiceSoFar[] _choices =
        [.. Enumerable.Range(0, call.Chat.Choices).Select(_ => new ChoiceSoFar())];

    private ulong _events;

    public IReadOnlyList<ChoiceSoFar> Choices => _choices;

    /// <summary>
    /// Output tokens received over all choices; with counting by usage, events that carried output, up to the limit.
    /// </summary>
    public ulong Received { get; private set; }

    /// <summary>What the provider said of usage.</summary>
    public Usage? Usage { get; private set; }

    /// <summary>The one reason that all choices ended for; null where they differ or the stream broke off.</summary>
    public string? FinishReason =>
        Array.TrueForAll(_choices, choice => choice.FinishReason == _choices[0].FinishReason) ? _choices[0].FinishReason
            : null;

    /// <summary>True once any output was received.</summary>
    public bool HasOutput => Received > 0 || _choices[0].Vectors.Count > 0;

    /// <summary>Whether the ids of the output say all that the app asked for: no alternatives, and no calls of tools,
    /// which only the provider's engine tells from text.</summary>
    public bool IsToldByIds => call is { Encoder: not null, Chat: { Embedding: null, Tools: null, Logprobs: false,
        PromptLogprobs: false } } && Array.TrueForAll(_choices, choice => choice.Reasoning.Length == 0);

    /// <summary>Completes an answer that broke off by all its ids, checked before against the receipt. Nothing changes
    /// where they do not go on from what was received.</summary>
    public void Complete(IReadOnlyList<RequestChoice> told)
    {
        if (told.Count != _choices.Length
            || _choices.Where((choice, index) => !told[index].Ids.Take(choice.Ids.Count).SequenceEqual(choice.Ids))
                .Any())
        {
            return;
        }

        foreach (var (choice, (ids, reason)) in _choices.Zip(told))
        {
            Received += (ulong)(ids.Count - choice.Ids.Count);
            choice.Ids.AddRange(ids.Skip(choice.Ids.Count));
            var text = WithoutStop(call.Encoder!.Tokenizer.Decode([.. ids], skipSpecial: true));
            if (text.StartsWith(choice.Text.ToString(), StringComparison.Ordinal))
            {
                choice.Text.Clear().Append(text);
            }

            // That it was cancelled is nothing to an app: to it the answer was cut short.
            choice.FinishReason ??= reason == OpenAi.Chat.FinishReasons.Stop ? reason : null;
        }
    }

    private string WithoutStop(string text) => text[..call.Chat.Stop
        .Select(stop => text.IndexOf(stop, StringComparison.Ordinal)).Where(at => at >= 0)
        .Append(text.Length).Min()];

    /// <summary>Takes a chunk; a refusal means that the provider sent what it must not.</summary>
    public Refusal? Take(ChatChunk chunk)
    {
        Usage = chunk.Usage ?? Usage;
        foreach (var part in chunk.Choices)
        {
            if (part.Index < 0 || part.Index >= _choices.Length)
            {
                return Theirs("choice_unknown", "The provider sent a choice that was not asked for.");
            }

            Take(_choices[part.Index], part);
            if (Received > call.Plan.OutputTokens || IsBloated(_choices[part.Index])
                || _events > UncountedWork.MostEvents(call.Plan.OutputTokens))
            {
                return Theirs("output_too_long", "The provider sent more tokens than were asked for.");
            }
        }

        return null;
    }

    // Text without tokens costs memory and no money; no tokenizer has tokens of so many characters on average. An event
    // of an upstream may hold many tokens, so there only the limit bounds them.
    private bool IsBloated(ChoiceSoFar choice)
    {
        var tokens = call.CountsIds ? Received : call.Plan.OutputTokens;
        return choice.Characters > SpareCharacters + (MostCharactersPerToken * tokens)
            || (ulong)choice.Logprobs.Bytes > SpareCharacters + (MostLogprobsPerToken * tokens)
            || (ulong)choice.PromptLogprobs.Bytes > SpareCharacters + (MostLogprobsPerToken * call.Plan.PromptTokens);
    }

    /// <summary>
    /// Whether the text received is what the ids say: a prefix of their decoding, the rest being withheld stop text or
    /// calls of tools, which appear in it in order where the model writes them as JSON.
    /// </summary>
    public Refusal? CheckText()
    {
        if (call.Encoder is not { } encoder)
        {
            return null;
        }

        foreach (var choice in _choices)
        {
            var told = Encoding.UTF8.GetBytes(choice.Text.ToString());
            var text = encoder.Tokenizer.Decode([.. choice.Ids], skipSpecial: true);
            var decoded = Encoding.UTF8.GetBytes(text);
            if (!decoded.AsSpan().StartsWith(told))
            {
                return Theirs("text_mismatch", "The provider's text is not what its token ids say.");
            }

            var calls = choice.ToolCalls.All;
            if (calls.Count > 0 && ToolConvention.Of(encoder) is not null
                && !CallCheck.AreIn(text, choice.Text.Length, calls))
            {
                return Theirs("calls_mismatch", "The provider's tool calls are not what its token ids say.");
            }
        }

        return null;
    }

    /// <summary>
    /// The stop sequence that ended a choice, told from the tokens whose text was withheld; null where another reason
    /// ended it or only the provider knows.
    /// </summary>
    public string? MatchedStop(ChoiceSoFar choice)
    {
        if (call.Encoder is not { } encoder || call.Chat.Stop.Count == 0
            || choice.FinishReason != OpenAi.Chat.FinishReasons.Stop)
        {
            return null;
        }

        var decoded = encoder.Tokenizer.Decode([.. choice.Ids], skipSpecial: true).AsSpan();
        if (choice.Text.Length >= decoded.Length)
        {
            return null;
        }

        var withheld = decoded[choice.Text.Length..];
        foreach (var stop in call.Chat.Stop)
        {
            if (withheld.StartsWith(stop, StringComparison.Ordinal))
            {
                return stop;
            }
        }

        return null;
    }

    private void Take(ChoiceSoFar choice, ChunkChoice part)
    {
        choice.Text.Append(part.Content);
        choice.Reasoning.Append(part.Reasoning);
        choice.ToolCalls.Take(part.ToolCalls);
        choice.Characters += (ulong)((part.Content?.Length ?? 0) + (part.Reasoning?.Length ?? 0)
            + part.ToolCalls.Length);
        choice.FinishReason = part.FinishReason ?? choice.FinishReason;
        // A stream passes them on at once and keeps none.
        if (call.Chat.Logprobs && !call.Chat.Stream)
        {
            choice.Logprobs.Take(part.Logprobs);
        }

        if (call.Chat.PromptLogprobs)
        {
            choice.PromptLogprobs.Take(part.PromptLogprobs);
        }

        if (!call.CountsIds)
        {
            _events += HasContent(part) ? 1UL : 0;
            Received = Math.Min(_events, call.Plan.OutputTokens);
        }
        else if (part.TokenIds is { } ids)
        {
            choice.Ids.AddRange(ids);
            Received += (ulong)ids.Length;
        }
    }

    private static bool HasContent(ChunkChoice part) =>
        part.Content is { Length: > 0 } || !part.ToolCalls.IsEmpty || part.Reasoning is { Length: > 0 };

    private static Refusal Theirs(string code, string message) => new(Fault.Theirs, code, message);
}
