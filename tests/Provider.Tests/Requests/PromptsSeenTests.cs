using Souk.Protocol;
using Souk.Provider.Requests;

namespace Souk.Provider.Tests.Requests;

public sealed class PromptsSeenTests
{
    [Fact]
    public void Each_customer_can_have_cached_only_what_it_sent_before()
    {
        var seen = new PromptsSeen();
        var (one, other) = (Key(1), Key(2));
        Assert.Equal(0UL, seen.Add(one, 100));
        Assert.Equal(100UL, seen.Add(one, 50));
        Assert.Equal(0UL, seen.Add(other, 7));
        Assert.Equal(150UL, seen.Add(one, 1));
    }

    private static Address Key(byte last) => Address.FromBytes([.. new byte[19], last]);
}
