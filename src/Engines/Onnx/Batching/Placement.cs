namespace Souk.Engines.Onnx.Batching;

/// <summary>What a loop has to do.</summary>
/// <param name="Rows">Answers that it was given and that are not over.</param>
/// <param name="IsReading">Whether a long prompt among them is still to be read, which holds up all the rest.</param>
internal readonly record struct LoopLoad(int Rows, bool IsReading);

/// <summary>
/// Which loop a request is given to. Few answers stay together on one, since a pass over some rows costs little more
/// than over one; more are spread. Long prompts go where least is held up, and others keep away from them.
/// </summary>
/// <param name="gather">Rows that stay together.</param>
/// <param name="longPrompt">Tokens from which on a prompt takes several turns to read.</param>
internal sealed class Placement(int gather, int longPrompt)
{
    /// <summary>Whether a prompt is long.</summary>
    public bool IsLong(int tokens) => tokens >= longPrompt;

    /// <summary>The index of the loop for a request.</summary>
    /// <param name="loads">What each loop has to do; at least one.</param>
    /// <param name="rows">Choices of the request.</param>
    /// <param name="isLong">Whether its prompt is.</param>
    public int Choose(ReadOnlySpan<LoopLoad> loads, int rows, bool isLong)
    {
        int least = 0;
        int fullest = -1;
        for (int i = 0; i < loads.Length; i++)
        {
            if (LoadOf(loads[i]) < LoadOf(loads[least]))
            {
                least = i;
            }

            bool hasPlace = LoadOf(loads[i]) + rows <= gather;
            if (hasPlace && (fullest < 0 || LoadOf(loads[i]) > LoadOf(loads[fullest])))
            {
                fullest = i;
            }
        }

        return isLong || fullest < 0 ? least : fullest;
    }

    /// <summary>Reading counts as much as a loop that has no place left.</summary>
    private int LoadOf(LoopLoad load) => load.Rows + (load.IsReading ? gather : 0);
}
