using Souk.Conformance.Composition;

namespace Souk.Conformance.Evaluation;

/// <summary>
/// What is bought is what the model gives. These are small versions; <c>bench/Souk</c> has the whole evaluation set and
/// 100,000 tokens.
/// </summary>
public sealed class EvaluationTests
{
    [Fact]
    public async Task The_network_answers_as_the_bare_engine_and_two_providers_agree_on_a_seed()
    {
        await using var network = await MarketNetwork.StartAsync(new NetworkPlan(Providers: 2));
        var key = await network.KeyAsync("evaluation");

        var score = await Trial.EvaluateAsync(network, key, questions: 60, concurrency: 3);
        Assert.Equal(60, score.Questions);
        Assert.True(score.RightOnEngine > 0, "The bare engine knows nothing.");
        Assert.Equal(score.RightOnEngine, score.RightThroughNetwork);

        var seeds = await Trial.CompareSeedsAsync(network, key, tokens: 5_000, concurrency: 2);
        Assert.True(seeds.Tokens >= 5_000);
        Assert.True(
            seeds.DifferentTokens <= seeds.Tokens / 200, $"{seeds.DifferentTokens} of {seeds.Tokens} tokens differ.");
        TestContext.Current.SendDiagnosticMessage($"{score}; {seeds}");
    }
}
