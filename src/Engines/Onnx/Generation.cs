using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Engines.Onnx;

/// <summary>One request on its way: the prompt once, then its choices one after the other, each from the prompt's
/// keys and values. Steps block and follow each other; only <see cref="Stop"/> may come from another
/// thread.</summary>
internal sealed class Generation : IDisposable
{
    private readonly Decoder decoder;
    private readonly PromptEncoder encoder;
    private readonly HashSet<int> endIds;
    private readonly EngineRequest request;
    private readonly int context;
    private readonly int prefill;
    private readonly RunOptions run = new();
    private readonly Sequence prompt;
    private readonly Sampler sampler;
    private readonly float[] promptLogits;
    private readonly float[] logits;
    private readonly Dictionary<int, double>? bias;
    private readonly Dictionary<int, int> counts = [];
    private readonly bool needsCounts;
    private int[] promptIds = [];
    private int limit;
    private int choice;
    private Sequence? sequence;
    private IncrementalDecoder? text;
    private StopMatcher? stops;
    private int last;
    private int generated;
    private string? reason;

    public Generation(
        Decoder decoder, PromptEncoder encoder, HashSet<int> endIds, EngineRequest request, int context, int prefill)
    {
        this.decoder = decoder;
        this.encoder = encoder;
        this.endIds = endIds;
        this.request = request;
        this.context = context;
        this.prefill = prefill;
        int vocabulary = decoder.Shape.Vocabulary;
        prompt = new Sequence(decoder);
        sampler = new Sampler(request.Sampling, request.Key, vocabulary);
        promptLogits = new float[vocabulary];
        logits = new float[vocabulary];
        bias = request.Chat.LogitBias.Count == 0 ? null : new Dictionary<int, double>(request.Chat.LogitBias);
        needsCounts = request.Sampling.FrequencyPenalty != 0 || request.Sampling.PresencePenalty != 0;
    }

    /// <summary>Whether the choice under way has its last token.</summary>
    public bool IsChoiceOver => reason is not null;

    /// <summary>The prompt's ids.</summary>
    /// <exception cref="EngineException">Theirs: the template refuses the messages, or they leave no room for an
    /// answer.</exception>
    public int[] EncodePrompt()
    {
        promptIds = request.PromptIds ?? RequestRules.EncodePrompt(encoder, request.Chat, context);
        if (promptIds.Length == 0 || promptIds.Length >= context)
        {
            throw RequestRules.ContextExceeded(promptIds.Length, context);
        }

        limit = Math.Min(request.MaxTokens, context - promptIds.Length);
        return promptIds;
    }

    public void BeginChoice(int index)
    {
        sequence?.Dispose();
        sequence = null;
        choice = index;
        generated = 0;
        reason = limit == 0 ? "length" : null;
        text = encoder.Tokenizer.NewDecoder();
        stops = new StopMatcher(request.Stop);
        counts.Clear();
    }

    /// <summary>Computes one token of the choice under way, the prompt first where that is still to be
    /// done.</summary>
    public TokenOut NextToken()
    {
        ReadOnlySpan<float> next = promptLogits;
        if (generated > 0)
        {
            // The keys and values of the prompt are shared, so each choice goes on from them without computing them
            // again.
            sequence ??= prompt.Fork();
            sequence.Append([last], logits, run);
            next = logits;
        }
        else if (prompt.Length == 0)
        {
            Prefill();
        }

        last = sampler.Next(next, choice, generated, needsCounts ? counts : null, bias);
        generated++;
        if (needsCounts)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(counts, last, out _)++;
        }

        return new TokenOut(choice, [last], Reveal());
    }

    public Finished FinishChoice() => new(choice, reason!, generated);

    /// <summary>Ends the pass under way and all that would follow. From any thread.</summary>
    public void Stop()
    {
        try
        {
            run.Terminate = true;
        }
        catch (ObjectDisposedException)
        {
            // The request ended by itself at the same moment, which is what was wanted.
        }
    }

    public void Dispose()
    {
        sequence?.Dispose();
        prompt.Dispose();
        run.Dispose();
    }

    private void Prefill()
    {
        for (int done = prompt.Length; done < promptIds.Length; done = prompt.Length)
        {
            int count = Math.Min(prefill, promptIds.Length - done);
            prompt.Append(promptIds.AsSpan(done, count), promptLogits, run);
        }
    }

    /// <summary>The text that became certain with the last token, and whether the choice ends here.</summary>
    private string Reveal()
    {
        if (endIds.Contains(last))
        {
            reason = "stop";
            return stops!.Push(text!.Flush()).Text + stops.Flush();
        }

        var revealed = stops!.Push(text!.Append(last));
        if (revealed.IsStopped)
        {
            reason = "stop";
            return revealed.Text;
        }

        if (generated < limit)
        {
            return revealed.Text;
        }

        reason = "length";
        return revealed.Text + stops.Push(text.Flush()).Text + stops.Flush();
    }
}
