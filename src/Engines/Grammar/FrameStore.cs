using System.Runtime.CompilerServices;

namespace Souk.Engines.Grammar;

/// <summary>Keeps frames and configurations so that equal ones are the same object, up to a bound; then all are
/// forgotten. Walks hold on to what they use, and the rest is made again when it is needed.</summary>
internal sealed class FrameStore(int most)
{
    private readonly Dictionary<(int Node, int State, int Count, Frame? Parent), Frame> frames = [];
    private readonly Dictionary<Frame[], Configuration> going = new(new SameFrames());
    private readonly Dictionary<Frame[], Configuration> ending = new(new SameFrames());

    /// <summary>Forgets everything where the bound is reached.</summary>
    public void Bound()
    {
        if (going.Count + ending.Count > most || frames.Count > 4 * most)
        {
            going.Clear();
            ending.Clear();
            frames.Clear();
        }
    }

    public Configuration Configuration(Frame[] held, bool canEnd)
    {
        var known = canEnd ? ending : going;
        if (!known.TryGetValue(held, out var configuration))
        {
            known.Add(held, configuration = new Configuration(held, canEnd));
        }

        return configuration;
    }

    public Frame Frame(int node, int state, int count, Frame? parent)
    {
        var key = (node, state, count, parent);
        if (!frames.TryGetValue(key, out var frame))
        {
            frames.Add(key, frame = new Frame(node, state, count, parent));
        }

        return frame;
    }

    private sealed class SameFrames : IEqualityComparer<Frame[]>
    {
        public bool Equals(Frame[]? x, Frame[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(Frame[] obj)
        {
            var hash = default(HashCode);
            foreach (var frame in obj)
            {
                hash.Add(RuntimeHelpers.GetHashCode(frame));
            }

            return hash.ToHashCode();
        }
    }
}
