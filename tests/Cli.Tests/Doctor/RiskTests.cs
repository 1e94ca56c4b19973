using Souk.Cli.Doctor;
using Souk.Cli.State;
using Souk.Cli.Up;

namespace Souk.Cli.Tests.Doctor;

/// <summary>What a running role tells its owner's doctor about money at risk.</summary>
public sealed class RiskTests
{
    [Theory]
    [InlineData("gateway", "exposure_cap", "providers that do not answer")]
    [InlineData("provider", "unclaimed_cap", "souk provider claim")]
    public async Task A_cap_that_is_nearly_used_up_is_a_problem(string role, string cap, string advice)
    {
        var much = await FindAsync(role, $$"""{"exposure":"0.95","{{cap}}":"1"}""", ExposureCheck.RunAsync);
        var little = await FindAsync(role, $$"""{"exposure":"0.5","{{cap}}":"1"}""", ExposureCheck.RunAsync);

        Told.Problem(Told.Of(much, $"{role} exposure"), "0.95 at risk, of at most 1", advice);
        Assert.True(Told.Of(little, $"{role} exposure").IsOk);
    }

    [Fact]
    public async Task Claims_that_are_held_up_or_set_aside_are_a_problem()
    {
        var held = await FindAsync(
            "provider", """{"unclaimed":"3","next_claim":"soon","held_up":"no gas money","set_aside":[]}""",
            ClaimCheck.RunAsync);
        var aside = await FindAsync(
            "provider", """{"unclaimed":"3","set_aside":[{"channel":"0x12","reason":"it reverts"}]}""",
            ClaimCheck.RunAsync);
        var fine = await FindAsync("provider", """{"unclaimed":"3","set_aside":[]}""", ClaimCheck.RunAsync);

        Told.Problem(Told.Of(held, "claims"), "held up: no gas money", "gas money");
        Told.Problem(Told.Of(aside, "claims"), "0x12: it reverts", "souk status");
        Assert.True(Told.Of(fine, "claims").IsOk);
    }

    private static async Task<IReadOnlyList<Finding>> FindAsync(
        string role, string status, Func<DataDirectory, CancellationToken, Task<IReadOnlyList<Finding>>> check)
    {
        using var folder = new TestFolder();
        await using var door = new PlainServer(status);
        var data = new DataDirectory(folder.Path);
        DataDirectory.Write(data.AdminToken, "token");
        DataDirectory.WriteJson(data.Running(role), RunningFile.Current(new Ports(0, door.Port, 0, 0, 0), 0, 0));
        return await check(data, CancellationToken.None);
    }
}
