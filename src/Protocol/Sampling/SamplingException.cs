namespace Souk.Protocol;

/// <summary>An engine's logits cannot be sampled from: a NaN, plus infinity, or no token left.</summary>
public sealed class SamplingException : Exception
{
    /// <summary>Says what is wrong with the logits.</summary>
    public SamplingException(string message)
        : base(message)
    {
    }

    /// <summary>Says what is wrong with the logits.</summary>
    public SamplingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a reason.</summary>
    public SamplingException()
        : this("The logits cannot be sampled from.")
    {
    }
}
