using System.Numerics;
using CsCheck;
using Souk.Market.Pricing;
using Souk.Protocol;
using static Souk.Market.Tests.Demo;

namespace Souk.Market.Tests.Pricing;

public sealed class WorstCaseTests
{
    // One unit for an input token, two for an output token.
    private static readonly WorstCaseQuestion Question = new(
        TheOffer.Prices, PromptTokens: 1_000, Choices: 1, AppLimit: 100, MaxOutput: 2_048, Context: 4_096,
        LeastSlice: 64, Available: Units(1_000_000));

    [Fact]
    public void The_cost_is_the_prompt_and_every_choice_run_to_its_limit()
    {
        Assert.Equal(new WorstCase(1_000, 100, 1, Units(1_200), false), WorstCase.Of(Question).Value);
        Assert.Equal(
            new WorstCase(1_000, 100, 3, Units(1_600), false), WorstCase.Of(Question with { Choices = 3 }).Value);
        Assert.Equal(300UL, WorstCase.Of(Question with { Choices = 3 }).Value.OutputTokens);
    }

    [Theory]
    [InlineData(9_999UL, 1_000UL, 2_048UL)] // The offer's limit.
    [InlineData(9_999UL, 3_000UL, 1_096UL)] // What the context leaves.
    [InlineData(7UL, 3_000UL, 7UL)]
    public void The_limit_is_the_least_of_three(ulong appLimit, ulong prompt, ulong expected) =>
        Assert.Equal(
            expected,
            WorstCase.Of(Question with { AppLimit = appLimit, PromptTokens = prompt }).Value.TokensPerChoice);

    [Fact]
    public void A_bound_on_the_prompt_prices_it_and_takes_no_context()
    {
        var bound = Question with { PromptTokens = 5_000, AppLimit = null, IsBound = true };
        Assert.Equal(new WorstCase(5_000, 2_048, 1, Units(9_096), false), WorstCase.Of(bound).Value);
        Refuses("context_length_exceeded", bound with { IsBound = false });
    }

    [Fact]
    public void Without_a_limit_of_the_app_it_is_lowered_to_what_fits()
    {
        var lowered = WorstCase.Of(Question with { AppLimit = null, Available = Units(1_401) }).Value;
        Assert.Equal(new WorstCase(1_000, 200, 1, Units(1_400), true), lowered);
        var shared = WorstCase.Of(Question with { AppLimit = null, Available = Units(1_401), Choices = 3 }).Value;
        Assert.Equal(new WorstCase(1_000, 66, 3, Units(1_396), true), shared);
    }

    [Fact]
    public void It_is_not_lowered_below_one_slice()
    {
        var question = Question with { AppLimit = null };
        Assert.Equal(64UL, WorstCase.Of(question with { Available = Units(1_128) }).Value.TokensPerChoice);
        Refuses("insufficient_funds", question with { Available = Units(1_127) });
    }

    [Fact]
    public void An_answer_shorter_than_a_slice_needs_only_itself()
    {
        var question = Question with { AppLimit = null, MaxOutput = 10, Available = Units(1_020) };
        Assert.Equal(10UL, WorstCase.Of(question).Value.TokensPerChoice);
        Refuses("insufficient_funds", question with { Available = Units(1_019) });
    }

    [Fact]
    public void The_apps_own_limit_is_never_lowered()
    {
        Assert.Equal(Units(1_200), WorstCase.Of(Question with { Available = Units(1_200) }).Value.Cost);
        Refuses("insufficient_funds", Question with { Available = Units(1_199) });
    }

    [Theory]
    [InlineData(4_096UL)]
    [InlineData(ulong.MaxValue)]
    public void A_prompt_that_fills_the_context_is_refused(ulong prompt) =>
        Refuses("context_length_exceeded", Question with { PromptTokens = prompt });

    [Fact]
    public void A_prompt_that_is_only_read_costs_its_input()
    {
        var worst = WorstCase.Of(Question with { AppLimit = 0 }).Value;
        Assert.Equal((0UL, 0UL), (worst.TokensPerChoice, worst.OutputTokens));
        Assert.Equal(Units(1_000), worst.Cost);
        Refuses("insufficient_funds", Question with { AppLimit = 0, Available = Units(999) });
    }

    [Fact]
    public void Senseless_numbers_are_refused()
    {
        Refuses("invalid_choices", Question with { Choices = 0 });
        Refuses("invalid_choices", Question with { Choices = ulong.MaxValue });
        Refuses("insufficient_funds", Question with
        {
            Prices = new Prices(Amount.MaxValue, Amount.MaxValue, Amount.MaxValue), Available = Amount.MaxValue,
            AppLimit = 5_000_000, MaxOutput = int.MaxValue, Context = int.MaxValue, Choices = 128,
        });
    }

    [Fact]
    public void The_worst_case_bounds_every_actual_charge_and_fits_what_is_available()
    {
        var gen =
            from input in Gen.ULong[0, 1UL << 30]
            from cached in Gen.ULong[0, input]
            from output in Gen.ULong[0, 1UL << 30]
            from prompt in Gen.ULong[0, 5_000]
            from choices in Gen.ULong[1, 8]
            from limit in Gen.OneOf(Gen.Const((ulong?)null), Gen.ULong[1, 5_000].Select(most => (ulong?)most))
            from available in Gen.ULong[0, 1UL << 36]
            from spread in Gen.Double[0, 1]
            from length in Gen.Double[0, 1]
            let prices = new Prices(Units(input), Units(cached), Units(output))
            select (prices, prompt, choices, limit, available, spread, length);
        gen.Sample(sample =>
        {
            var (prices, prompt, choices, limit, available, spread, length) = sample;
            var answer = WorstCase.Of(new WorstCaseQuestion(
                prices, prompt, choices, limit, 2_048, 4_096, 64, Units(available)));
            if (!answer.TryGet(out var worst, out _))
            {
                return true;
            }

            var fromCache = (ulong)(prompt * spread);
            var generated = (ulong)(worst.OutputTokens * length);
            var actual = ChargeOf(prices, prompt - fromCache, fromCache, generated);
            return actual <= (BigInteger)worst.Cost.Units && worst.Cost.Units <= available
                && worst.TokensPerChoice >= 1 && worst.TokensPerChoice <= Math.Min(limit ?? 2_048, 2_048)
                && worst.TokensPerChoice + prompt <= 4_096;
        }, iter: 20_000);
    }

    private static void Refuses(string code, WorstCaseQuestion question)
    {
        var refusal = WorstCase.Of(question).Refusal;
        Assert.Equal((code, Fault.Theirs), (refusal?.Code, refusal!.Fault));
    }
}
