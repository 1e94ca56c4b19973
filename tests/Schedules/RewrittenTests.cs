using Microsoft.Coyote.Rewriting;
using Souk.Gateway.Chat;
using Souk.Ledger.Books;
using Souk.Provider.Requests;

namespace Souk.Schedules;

/// <summary>Without rewritten assemblies there would be nothing to explore.</summary>
public sealed class RewrittenTests
{
    [Fact]
    public void What_is_explored_is_rewritten() => Assert.All(
        [
            typeof(Journal).Assembly, typeof(ChannelHandout).Assembly, typeof(Admission).Assembly,
            typeof(RewrittenTests).Assembly,
        ],
        assembly => Assert.True(RewritingEngine.IsAssemblyRewritten(assembly), assembly.FullName));
}
