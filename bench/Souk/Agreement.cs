using Souk.Conformance.Composition;
using Souk.Conformance.Evaluation;

namespace Souk.Bench;

/// <summary>Whether what is bought is what the model gives, at full size.</summary>
internal static class Agreement
{
    public static async Task EvaluateAsync()
    {
        await using var network = await MarketNetwork.StartAsync(new NetworkPlan(Providers: 2));
        var result = await Trial.EvaluateAsync(network, await network.KeyAsync("bench", 900_000_000), int.MaxValue, 2);
        Table.Head($"{result.Questions} evaluation questions, greedy", "right", "share");
        Table.Row("bare engine", result.RightOnEngine, (double)result.RightOnEngine / result.Questions);
        Table.Row("through the whole network", result.RightThroughNetwork,
            (double)result.RightThroughNetwork / result.Questions);
        Console.WriteLine($"  {result.DifferentAnswers} answers differ in any letter.");
    }

    public static async Task CompareSeedsAsync()
    {
        await using var network = await MarketNetwork.StartAsync(new NetworkPlan(Providers: 2));
        var result = await Trial.CompareSeedsAsync(network, await network.KeyAsync("bench", 900_000_000), 100_000, 2);
        Table.Head($"{result.Requests} requests with the same seed to two providers", "tokens", "different");
        Table.Row("token by token", result.Tokens, result.DifferentTokens);
        Console.WriteLine(
            $"  {result.DifferentAnswers} answers part, each at one token; what follows it is another text.");
    }
}
