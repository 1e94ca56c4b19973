namespace Souk.Testbed;

/// <summary>A simulation cannot go on: a deadlock, an endless loop, or work that escaped to another thread.</summary>
public sealed class SimulationStuckException(string message) : Exception(message);
