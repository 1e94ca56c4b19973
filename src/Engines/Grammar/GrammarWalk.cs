namespace Souk.Engines.Grammar;

/// <summary>One choice's way through a grammar. Before each token <see cref="Mask"/> bars what may not come, after it
/// <see cref="Take"/> goes on. Not safe for concurrent use, but for <see cref="IsReady"/> and
/// <see cref="Finish"/>, which need the place not to change meanwhile.</summary>
internal sealed class GrammarWalk
{
    private readonly TokenGrammar grammar;
    private Configuration at;
    private MaskWork? work;

    internal GrammarWalk(TokenGrammar grammar, Configuration start)
    {
        this.grammar = grammar;
        at = start;
    }

    /// <summary>Whether the answer may end here.</summary>
    public bool CanEnd => at.CanEnd;

    /// <summary>Whether the answer must end here: nothing else may come. Without an end token to come, it is over.
    /// </summary>
    public bool IsComplete => at.CanEnd && at.Frames.Length == 0;

    /// <summary>Whether the next mask is at hand.</summary>
    public bool IsReady => work is { IsDone: true };

    /// <summary>Computes the next mask as far as some steps go; whether it is at hand then.</summary>
    public bool Prepare(long steps)
    {
        work ??= grammar.WorkOf(at);
        grammar.Advance(work, steps);
        return work.IsDone;
    }

    /// <summary>Computes the rest of the next mask, however long it takes.</summary>
    public void Finish() => grammar.Finish(work ??= grammar.WorkOf(at));

    /// <summary>Sets the logits of all tokens that may not come to minus infinity.</summary>
    /// <param name="logits">One per token, padding behind the vocabulary included.</param>
    /// <param name="mayEnd">False keeps end tokens out while anything else may come.</param>
    public void Mask(Span<float> logits, bool mayEnd = true)
    {
        Finish();
        TokenGrammar.Apply(work!.Mask, logits);
        if (!mayEnd && !IsComplete)
        {
            foreach (int id in grammar.Trie.EndIds)
            {
                if (id < logits.Length)
                {
                    logits[id] = float.NegativeInfinity;
                }
            }
        }
    }

    /// <summary>Goes on behind a token.</summary>
    /// <exception cref="InvalidOperationException">The token was barred.</exception>
    public void Take(int id)
    {
        if (grammar.Trie.IsEnd(id) && at.CanEnd)
        {
            return;
        }

        var next = grammar.Step(at, id);
        work = null;
        at = next.IsDead ? throw new InvalidOperationException($"Token {id} may not come here.") : next;
    }

    /// <summary>Whether a token may come, without a mask.</summary>
    public bool Allows(int id) => grammar.Trie.IsEnd(id) ? at.CanEnd : !grammar.Step(at, id).IsDead;
}
