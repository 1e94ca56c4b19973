namespace Souk.Wire.Tests;

public sealed class RoleLoopsTests
{
    [Fact]
    public async Task A_loop_that_fails_ends_the_others_and_is_told()
    {
        var isStopped = false;
        var failure = await Assert.ThrowsAsync<IOException>(() => RoleLoops.RunAsync(
            [
                async stop =>
                {
                    using var registration = stop.Register(() => isStopped = true);
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop);
                },
                async _ =>
                {
                    await Task.Yield();
                    throw new IOException("The disk is gone.");
                },
            ],
            CancellationToken.None));

        Assert.Equal("The disk is gone.", failure.Message);
        Assert.True(isStopped);
    }

    [Fact]
    public async Task Cancelling_ends_all_of_them()
    {
        using var stopping = new CancellationTokenSource();
        var ended = 0;
        async Task LoopAsync(CancellationToken stop)
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop);
            }
            finally
            {
                ended++;
            }
        }

        var running = RoleLoops.RunAsync([LoopAsync, LoopAsync], stopping.Token);
        stopping.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(2, ended);
    }
}
