using System.Runtime.InteropServices;
using Souk.Engines.Grammar;
using Souk.Engines.Onnx.Kv;
using Souk.Engines.Tools;
using Souk.OpenAi.Tokens;

namespace Souk.Engines.Onnx.Batching;

/// <summary>One choice of a request while it is generated: from logits to a token, its text, and whether that was the
/// last one. Used by one engine thread.</summary>
internal sealed class ChoiceRun
{
    /// <summary>Steps of a mask that are computed between two passes, a fraction of a millisecond: most masks of small
    /// vocabularies take no more. Longer ones are left to another thread.</summary>
    internal const long MaskSteps = 4_096;

    private readonly IncrementalDecoder text;
    private readonly StopMatcher stops;
    private readonly Dictionary<int, int>? counts;
    private readonly AnswerScores? scores;
    private readonly GrammarWalk? walk;
    private readonly CallReader? calls;
    private long decoded;

    public ChoiceRun(ActiveRequest request, int index, Tokenizer tokenizer)
    {
        Request = request;
        Index = index;
        text = tokenizer.NewDecoder();
        stops = new StopMatcher(request.Asked.Stop);
        var sampling = request.Asked.Sampling;
        counts = sampling.FrequencyPenalty != 0 || sampling.PresencePenalty != 0 ? [] : null;
        scores = request.Asked.Chat.Logprobs
            ? new AnswerScores(tokenizer, request.Asked.Chat.TopLogprobs ?? 0) : null;
        walk = request.Plan.Grammar?.Begin();
        calls = request.Plan.Convention is { } convention
            ? new CallReader(convention, call => AnswerRules.CallId(request.Asked, convention, index, call)) : null;
    }

    public ActiveRequest Request { get; }

    /// <summary>From 0, as events name it.</summary>
    public int Index { get; }

    /// <summary>The batch that it decodes in, and its row there; null while it is parked.</summary>
    public Batch? Batch { get; set; }

    public int Row { get; set; }

    /// <summary>Whether its next token can be picked without computing a mask first.</summary>
    public bool IsReady => walk is null or { IsReady: true };

    /// <summary>Keys and values while it waits for its consumer or its mask.</summary>
    public KvBlock? Parked { get; set; }

    /// <summary>Tokens so far, the last one's keys and values are still to be computed.</summary>
    public List<int> Ids { get; } = [];

    public int Last => Ids[^1];

    /// <summary>Why it ended, once it has.</summary>
    public string? Reason { get; private set; }

    /// <summary>Picks the next token from its logits, which it may change, and tells the consumer.</summary>
    public void Take(Span<float> logits)
    {
        var asked = Request.Asked;
        scores?.Read(logits);
        if (walk is not null)
        {
            walk.Mask(logits, mayEnd: Ids.Count >= Request.MinTokens);
        }
        else if (Ids.Count < Request.MinTokens)
        {
            foreach (int end in Request.EndIds)
            {
                logits[end] = float.NegativeInfinity;
            }
        }

        int id = Request.Sampler.Next(logits, Index, Ids.Count, counts, Request.Bias);
        Ids.Add(id);
        walk?.Take(id);
        if (counts is not null)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(counts, id, out _)++;
        }

        string revealed = Reveal(id);
        var said = new TokenOut(Index, [id], revealed);
        if (scores is not null)
        {
            said = said with { Logprobs = scores.Reveal(revealed.Length, stops.Withheld.Length, Reason) };
        }

        if (calls is not null)
        {
            said = WithCalls(said, calls);
        }

        Request.Say(said);
        if (Reason is not null)
        {
            Request.Say(new Finished(Index, Reason, Ids.Count));
        }
        else
        {
            walk?.Prepare(MaskSteps);
        }
    }

    /// <summary>Computes what <see cref="IsReady"/> asks for; on another thread, while the choice is set aside.
    /// </summary>
    public void FinishMask() => walk?.Finish();

    // Calls are taken out of the text, which is what the app reads as the answer.
    private TokenOut WithCalls(TokenOut said, CallReader reader)
    {
        if (said.Ids[0] == Request.Plan.OpeningToken)
        {
            reader.Open(decoded);
        }

        var (content, deltas) = reader.Push(said.Text, Reason is not null);
        bool isEnded = Reason == "stop" && walk is { CanEnd: true };
        Reason = isEnded && reader.HasCalls ? "tool_calls" : Reason;
        return said with { Text = content, ToolCalls = deltas };
    }

    /// <summary>Ends a choice that may have no token at all.</summary>
    public void EndEmpty()
    {
        Reason = "length";
        Request.Say(new Finished(Index, Reason, 0));
    }

    /// <summary>The text that became certain with a token, and whether the choice ends here.</summary>
    private string Reveal(int id)
    {
        if (Request.EndIds.Contains(id))
        {
            Reason = "stop";
            return stops.Push(text.Flush()).Text + stops.Flush();
        }

        string piece = text.Append(id);
        decoded += piece.Length;
        scores?.Add(id, piece.Length);
        if (Ids.Count < Request.MinTokens)
        {
            // A stop string counts only from where the answer may end.
            return Ids.Count < Request.Limit ? piece : Close(piece);
        }

        var pushed = stops.Push(piece);
        if (pushed.IsStopped)
        {
            Reason = "stop";
            return pushed.Text;
        }

        if (walk is { IsComplete: true } && Request.EndIds.Count == 0)
        {
            Reason = "stop";
            return pushed.Text + stops.Flush();
        }

        return Ids.Count < Request.Limit ? pushed.Text : Close(pushed.Text);
    }

    private string Close(string revealed)
    {
        Reason = "length";
        return revealed + stops.Push(text.Flush()).Text + stops.Flush();
    }
}
