using Souk.Engines.Admission;
using Souk.Protocol;

namespace Souk.Engines.Tests.Admission;

public sealed class AdmissionGateTests
{
    [Fact]
    public async Task A_request_waits_for_a_place_and_the_one_too_many_is_refused()
    {
        var gate = new AdmissionGate(concurrency: 1, waiting: 1);
        var first = await gate.EnterAsync(default);
        var second = gate.EnterAsync(default);
        Assert.False(second.IsCompleted);

        var refused = await Assert.ThrowsAsync<EngineException>(() => gate.EnterAsync(default));
        Assert.Equal((Fault.Ours, "engine_busy"), (refused.Fault, refused.Code));

        first.Dispose();
        (await second).Dispose();
    }

    [Fact]
    public async Task A_place_given_back_twice_counts_once()
    {
        var gate = new AdmissionGate(concurrency: 1, waiting: 0);
        var place = await gate.EnterAsync(default);
        place.Dispose();
        place.Dispose();
        using var again = await gate.EnterAsync(default);
        await Assert.ThrowsAsync<EngineException>(() => gate.EnterAsync(default));
    }

    [Fact]
    public async Task A_request_cancelled_while_waiting_frees_its_place_in_the_queue()
    {
        var gate = new AdmissionGate(concurrency: 1, waiting: 1);
        using var first = await gate.EnterAsync(default);
        using var leaving = new CancellationTokenSource();
        var second = gate.EnterAsync(leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);

        var third = gate.EnterAsync(default);
        Assert.False(third.IsFaulted);
        first.Dispose();
        (await third).Dispose();
    }
}
