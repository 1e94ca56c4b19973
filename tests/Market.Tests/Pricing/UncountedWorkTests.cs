using Souk.Market.Pricing;

namespace Souk.Market.Tests.Pricing;

public sealed class UncountedWorkTests
{
    [Fact]
    public void A_prompt_is_at_most_its_body_and_1024()
    {
        Assert.Equal(1_024UL, UncountedWork.MostInput(0));
        Assert.Equal(1_324UL, UncountedWork.MostInput(300));
    }

    [Fact]
    public void A_broken_answer_s_prompt_is_within_the_bound() =>
        Assert.Equal(75UL, UncountedWork.InputOfBroken(300));

    [Fact]
    public void Events_may_be_more_than_tokens_but_have_an_end()
    {
        Assert.Equal(68UL, UncountedWork.MostEvents(1));
        Assert.Equal(2_112UL, UncountedWork.MostEvents(512));
    }
}
