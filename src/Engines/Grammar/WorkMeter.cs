namespace Souk.Engines.Grammar;

/// <summary>Counts the steps of a compilation. Steps are counted rather than timed, so that the same schema is
/// refused or served on every machine.</summary>
internal sealed class WorkMeter(long most)
{
    private long done;

    /// <exception cref="GrammarRefusal">The bound is reached.</exception>
    public void Spend(long steps)
    {
        done += steps;
        if (done > most)
        {
            throw new GrammarRefusal("it is too complex: simplify patterns, bounds and enumerations.");
        }
    }
}
