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

    /// <summary>Lets a request pass. A visit that is disposed without an outcome has told nothing about the
    /// upstream.</summary>
    /// <exception cref="EngineException">Ours, "engine_busy": the upstream rests.</exception>
    public Visit Enter()
    {
        lock (access)
        {
            if (failures >= FailuresBeforeRest)
            {
                if (isOnTrial || time.GetUtcNow() < restsUntil)
                {
                    throw new EngineException(
                        Fault.Ours, "engine_busy",
                        "The upstream failed several times in a row and is left alone for a moment. Try elsewhere.");
                }

                isOnTrial = true;
            }

            return new Visit(this);
        }
    }

    private void Worked()
    {
        lock (access)
        {
            (failures, rest, isOnTrial) = (0, FirstRest, false);
        }
    }

    private void Failed()
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

    private void Left()
    {
        lock (access)
        {
            isOnTrial = false;
        }
    }

    /// <summary>One request at the upstream: it worked, and may fail after that.</summary>
    public sealed class Visit(UpstreamHealth health) : IDisposable
    {
        private bool hasTold;

        /// <summary>The upstream answered.</summary>
        public void Worked()
        {
            if (!hasTold)
            {
                hasTold = true;
                health.Worked();
            }
        }

        /// <summary>The request failed. An upstream that is full, and one that refuses what a customer sent, are in
        /// good health.</summary>
        public void Failed(EngineException failure)
        {
            if (failure is { Fault: Fault.Ours } && failure.Code != "engine_busy")
            {
                hasTold = true;
                health.Failed();
            }
        }

        public void Dispose()
        {
            if (!hasTold)
            {
                health.Left();
            }
        }
    }
}
