namespace Souk.Protocol.Tests.Primitives;

public class ResultTests
{
    private static readonly Refusal Refused = new(Fault.Theirs, "too_much", "Ask for less.");

    [Fact]
    public void A_value_is_ok()
    {
        Result<int> result = 5;
        Assert.True(result.IsOk);
        Assert.Equal(5, result.Value);
        Assert.Null(result.Refusal);
        Assert.True(result.TryGet(out var value, out _) && value == 5);
    }

    [Fact]
    public void A_refusal_has_no_value()
    {
        Result<int> result = Refused;
        Assert.False(result.IsOk);
        Assert.Same(Refused, result.Refusal);
        Assert.Contains("Ask for less.", Assert.Throws<InvalidOperationException>(() => result.Value).Message);
    }

    [Fact]
    public void A_result_that_nothing_was_written_to_is_ours()
    {
        var result = default(Result<string>);
        Assert.False(result.IsOk);
        Assert.Equal(Fault.Ours, result.Refusal!.Fault);
    }
}
