namespace Souk.Engines.Onnx.Batching;

/// <summary>Where the positions of a sequence lie in a batch that is wider than the sequence is long. Which of them a
/// model understands depends on how it was exported, so it is tried out at load.</summary>
internal enum BatchLayout
{
    /// <summary>Sequences of unequal length cannot share a pass.</summary>
    Alone,

    /// <summary>Padding first: the newest positions of all rows line up. Needs mask and positions.</summary>
    Left,

    /// <summary>Padding last: the length is read from the mask, as fused attention operators do.</summary>
    Right,
}
