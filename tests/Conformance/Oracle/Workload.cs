using System.Text.Json.Nodes;
using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;

namespace Souk.Conformance.Oracle;

/// <summary>What an app's request should come to.</summary>
internal enum Fate
{
    /// <summary>Answered.</summary>
    Answered,

    /// <summary>The app goes away while the answer streams.</summary>
    Left,

    /// <summary>Refused before any provider is asked.</summary>
    Refused,

    /// <summary>The engine fails before the first token: nothing is charged.</summary>
    FailedEarly,

    /// <summary>The engine fails half-way: what was delivered is charged.</summary>
    FailedLate,
}

/// <summary>A job with the fate that it should meet. Every question is unique, so that the tap can tell them
/// apart.</summary>
internal sealed record Errand(SdkJob Job, Fate Fate, string Question);

/// <summary>A mix of requests that is the same in every run.</summary>
internal static class Workload
{
    public static List<Errand> Of(int count, string marker)
    {
        var random = new Random(20_26);
        return [.. Enumerable.Range(0, count).Select(number => One(number, marker, random))];
    }

    private static Errand One(int number, string marker, Random random)
    {
        var isStreamed = random.Next(2) == 0;
        var fate = random.Next(100) switch
        {
            < 12 => Fate.Left,
            < 20 => Fate.Refused,
            < 26 => Fate.FailedEarly,
            < 34 => Fate.FailedLate,
            _ => Fate.Answered,
        };
        var question = $"What is {random.Next(100)} plus {random.Next(100)}? Call it {marker}{number}, café.";
        question += fate switch
        {
            Fate.Left => $" {FaultyEngine.IsSlow}",
            Fate.FailedEarly => $" {FaultyEngine.FailsEarly}",
            Fate.FailedLate => $" {FaultyEngine.FailsLate}",
            _ => "",
        };
        var job = SdkJob.Ask($"{marker}{number}", question, isStreamed || fate == Fate.Left, request =>
            Vary(request, fate, random));
        return new Errand(fate == Fate.Left ? job with { AbortAfter = 1 + random.Next(4) } : job, fate, question);
    }

    private static void Vary(JsonObject request, Fate fate, Random random)
    {
        if (fate == Fate.Refused)
        {
            Spoil(request, random.Next(3));
            return;
        }

        // Hot answers of this small model ramble on, which is what long answers need.
        request["temperature"] = fate == Fate.Left ? 1.6 : random.Next(4) * 0.5;
        request["max_tokens"] = fate == Fate.Left ? 300 : 20 + random.Next(80);
        switch (random.Next(5))
        {
            case 0 when fate == Fate.Answered:
                request["stop"] = "=";
                break;
            case 1:
                request["messages"]!.AsArray().Insert(
                    0, new JsonObject { ["role"] = "system", ["content"] = "  Answer in one short sentence. " });
                break;
        }
    }

    private static void Spoil(JsonObject request, int how)
    {
        switch (how)
        {
            case 0:
                request["model"] = "no-such-model";
                break;
            case 1:
                request["max_tokens"] = -4;
                break;
            default:
                request["temperature"] = 9.5;
                break;
        }
    }
}
