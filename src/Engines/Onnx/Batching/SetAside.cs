using Souk.Engines.Onnx.Kv;

namespace Souk.Engines.Onnx.Batching;

/// <summary>The choices of a loop that cannot go on for now, with their keys and values: until the consumer takes
/// tokens, or until a mask that takes long is computed. Used by one engine thread.</summary>
/// <param name="masks">Computes masks.</param>
/// <param name="wake">Tells the engine thread that one is there. Safe from any thread.</param>
internal sealed class SetAside(InferenceThreads masks, Action wake)
{
    private readonly List<ChoiceRun> parked = [];

    /// <param name="choice">In no batch any more.</param>
    /// <param name="held">Its keys and values, owned from now on.</param>
    public void Add(ChoiceRun choice, KvBlock held)
    {
        choice.Batch = null;
        choice.Parked = held;
        parked.Add(choice);
        if (!choice.IsReady)
        {
            masks.Add(() =>
            {
                if (!choice.Request.HasLeft && !choice.Request.IsOver)
                {
                    choice.FinishMask();
                    wake();
                }
            });
        }
    }

    /// <summary>Lets those go on that can.</summary>
    public void Resume(BatchSet batches)
    {
        for (int i = parked.Count - 1; i >= 0; i--)
        {
            var choice = parked[i];
            if (choice.IsReady && choice.Request.HasCaughtUp(choice.Index))
            {
                parked.RemoveAt(i);
                batches.Add(new Joiner(choice, choice.Parked!, 0, 0, choice.Parked!.Width), isOwned: true);
                choice.Parked = null;
            }
        }
    }

    /// <summary>Frees what a choice left here, if anything.</summary>
    public void Forget(ChoiceRun choice)
    {
        if (parked.Remove(choice))
        {
            choice.Parked?.Dispose();
            choice.Parked = null;
        }
    }

    public void Clear()
    {
        foreach (var choice in parked)
        {
            choice.Parked?.Dispose();
            choice.Parked = null;
        }

        parked.Clear();
    }
}
