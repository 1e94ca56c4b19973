using Souk.Protocol;

namespace Souk.Engines;

/// <summary>An expected failure of an engine. It is an exception because it may end a stream half-way.</summary>
public sealed class EngineException : Exception
{
    public EngineException(Fault fault, string code, string message, Exception? inner = null)
        : base(message, inner)
    {
        Fault = fault;
        Code = code;
    }

    /// <summary>Theirs: the request cannot be served as it is. Ours: this engine failed; another may not.</summary>
    public Fault Fault { get; }

    /// <summary>A stable word, such as "context_length_exceeded" or "engine_busy".</summary>
    public string Code { get; }

    public Refusal ToRefusal() => new(Fault, Code, Message);
}
