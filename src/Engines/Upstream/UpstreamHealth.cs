using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>Leaves an upstream alone that fails again and again. While it rests, requests are refused at once instead
/// of each waiting for its own time-out; then one request goes through as a trial, and its outcome decides.
/// </summary>
internal sealed class UpstreamHealth(TimeProvider time)
{
    private const int FailuresBeforeRest = 3;
    private static readonly TimeSpan FirstRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(30);

    private readonly Lock access = new();
    private int failures;
    private TimeSpan rest = FirstRest;
    private DateTimeOffset restsUntil;
    private bool isOnTrial;

    /// <summary>Lets a request pass. Its outcome must be told by <see cref="Worked"/>, <see cref="Failed"/> or
    /// <see cref="Left"/>.</summary>
    /// <exception cref="EngineException">Ours, "engine_busy": the upstream rests.</exception>
    public void Enter()
    {
        lock (access)
        {
            if (failures < FailuresBeforeRest)
            {
                return;
            }

            if (isOnTrial || time.GetUtcNow() < restsUntil)
            {
                throw new EngineException(
                    Fault.Ours, "engine_busy",
                    "The upstream failed several times in a row and is left alone for a moment. Try elsewhere.");
            }

            isOnTrial = true;
        }
    }

    /// <summary>The upstream answered.</summary>
    public void Worked()
    {
        lock (access)
        {
            (failures, rest, isOnTrial) = (0, FirstRest, false);
        }
    }

    /// <summary>The upstream could not be reached, broke off, was too slow or answered with an error of its own.
    /// </summary>
    public void Failed()
    {
        lock (access)
        {
            isOnTrial = false;
            if (++failures >= FailuresBeforeRest)
            {
                restsUntil = time.GetUtcNow() + rest;
                rest = rest * 2 < LongestRest ? rest * 2 : LongestRest;
            }
        }
    }

    /// <summary>The request ended without telling anything about the upstream.</summary>
    public void Left()
    {
        lock (access)
        {
            isOnTrial = false;
        }
    }
}
