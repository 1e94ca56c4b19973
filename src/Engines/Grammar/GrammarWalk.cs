namespace Souk.Engines.Grammar;

/// <summary>One choice's way through a grammar. Before each token <see cref="Mask"/> bars what may not come, after it
/// <see cref="Take"/> goes on. Not safe for concurrent use.</summary>
internal sealed class GrammarWalk
{
    private readonly TokenGrammar grammar;
    private Configuration at;

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

    /// <summary>Sets the logits of all tokens that may not come to minus infinity.</summary>
    /// <param name="logits">One per token, padding behind the vocabulary included.</param>
    /// <param name="mayEnd">False keeps end tokens out while anything else may come.</param>
    public void Mask(Span<float> logits, bool mayEnd = true)
    {
        ulong[] mask = grammar.MaskOf(at);
        TokenGrammar.Apply(mask, logits);
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
        at = next.IsDead ? throw new InvalidOperationException($"Token {id} may not come here.") : next;
    }

    /// <summary>Whether a token may come, without a mask.</summary>
    public bool Allows(int id) => grammar.Trie.IsEnd(id) ? at.CanEnd : !grammar.Step(at, id).IsDead;
}
