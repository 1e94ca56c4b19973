using System.Threading.Channels;
using Souk.Testbed;

namespace Souk.Simulation.Scheduling;

public sealed class SimulatedSchedulerTests
{
    [Fact]
    public void Waiting_a_day_takes_no_time_and_moves_both_clocks()
    {
        using var scheduler = new SimulatedScheduler(1);
        var (utc, ticks) = (scheduler.Time.GetUtcNow(), scheduler.Time.GetTimestamp());

        scheduler.Run(async () => await Task.Delay(TimeSpan.FromDays(1), scheduler.Time));

        Assert.Equal(TimeSpan.FromDays(1), scheduler.Time.GetUtcNow() - utc);
        Assert.Equal(TimeSpan.FromDays(1), scheduler.Time.GetElapsedTime(ticks));
    }

    [Fact]
    public void Timers_fire_by_due_time_and_then_by_the_order_in_which_they_were_set()
    {
        using var scheduler = new SimulatedScheduler(1);
        var fired = new List<string>();
        ITimer Set(string name, int seconds) => scheduler.Time.CreateTimer(
            _ => fired.Add(name), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);

        using var late = Set("late", 3);
        using var first = Set("first", 1);
        using var second = Set("second", 1);
        using var moved = Set("moved", 1);
        using var disposed = Set("disposed", 2);
        moved.Change(TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan);
        disposed.Dispose();
        scheduler.RunUntilIdle();

        Assert.Equal(["first", "second", "moved", "late"], fired);
    }

    [Fact]
    public void A_periodic_timer_fires_until_it_is_stopped()
    {
        using var scheduler = new SimulatedScheduler(1);
        var count = 0;
        using var timer = scheduler.Time.CreateTimer(
            _ => count++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));

        scheduler.RunFor(TimeSpan.FromSeconds(6));
        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        scheduler.RunFor(TimeSpan.FromSeconds(6));

        Assert.Equal(3, count);
    }

    [Fact]
    public void All_code_runs_on_the_thread_that_pumps()
    {
        using var scheduler = new SimulatedScheduler(1, interleaves: true);
        var threads = new HashSet<int>();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var semaphore = new SemaphoreSlim(0);
        var channel = Channel.CreateUnbounded<int>();

        async Task WorkAsync(int i)
        {
            await Task.Yield();
            threads.Add(Environment.CurrentManagedThreadId);
            await gate.Task;
            threads.Add(Environment.CurrentManagedThreadId);
            await semaphore.WaitAsync();
            threads.Add(Environment.CurrentManagedThreadId);
            await Task.Delay(TimeSpan.FromSeconds(i), scheduler.Time);
            semaphore.Release();
            await channel.Writer.WriteAsync(i);
            threads.Add(Environment.CurrentManagedThreadId);
        }

        async Task ReadAsync()
        {
            for (var i = 0; i < 20; i++)
            {
                await channel.Reader.ReadAsync();
                threads.Add(Environment.CurrentManagedThreadId);
            }
        }

        scheduler.Run(async () =>
        {
            var all = Task.WhenAll([.. Enumerable.Range(0, 20).Select(WorkAsync), ReadAsync()]);
            await Task.Delay(TimeSpan.FromSeconds(1), scheduler.Time);
            gate.SetResult();
            semaphore.Release();
            await all;
        });

        Assert.Equal([Environment.CurrentManagedThreadId], threads);
    }

    [Fact]
    public void A_deadlock_is_reported_with_the_seed()
    {
        using var scheduler = new SimulatedScheduler(77);

        var stuck = Assert.Throws<SimulationStuckException>(
            () => scheduler.Run(async () => await new TaskCompletionSource().Task));

        Assert.Contains("seed 77", stuck.Message, StringComparison.Ordinal);
        Assert.Contains("nobody", stuck.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_only_ticks_on_is_stuck_at_its_horizon()
    {
        using var scheduler = new SimulatedScheduler(1) { Horizon = TimeSpan.FromHours(1) };
        using var timer = scheduler.Time.CreateTimer(_ => { }, null, TimeSpan.Zero, TimeSpan.FromMinutes(1));

        var stuck = Assert.Throws<SimulationStuckException>(
            () => scheduler.Run(async () => await new TaskCompletionSource().Task));

        Assert.Contains("horizon", stuck.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loop_that_never_lets_time_pass_is_stuck()
    {
        using var scheduler = new SimulatedScheduler(1);

        Assert.Throws<SimulationStuckException>(() => scheduler.Run(async () =>
        {
            while (true)
            {
                await Task.Yield();
            }
        }));
    }

    [Fact]
    public void Work_that_escapes_to_the_thread_pool_is_reported()
    {
        using var scheduler = new SimulatedScheduler(1);

        using var isAwaited = new ManualResetEventSlim();

        var stuck = Assert.Throws<SimulationStuckException>(() => scheduler.Run(async () =>
        {
            scheduler.Post(isAwaited.Set);
            await Task.Run(isAwaited.Wait);
        }));

        Assert.Contains("left its thread", stuck.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_exception_of_the_run_reaches_the_test()
    {
        using var scheduler = new SimulatedScheduler(1);

        Assert.Throws<FormatException>(() => scheduler.Run(async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1), scheduler.Time);
            throw new FormatException();
        }));
    }

    [Fact]
    public void A_wall_clock_jump_moves_no_timer()
    {
        using var scheduler = new SimulatedScheduler(1);
        var start = scheduler.Time.GetUtcNow();

        scheduler.Run(async () =>
        {
            var wait = Task.Delay(TimeSpan.FromSeconds(10), scheduler.Time);
            scheduler.JumpWallClock(TimeSpan.FromHours(-2));
            await wait;
        });

        Assert.Equal(TimeSpan.FromSeconds(10), scheduler.Elapsed);
        Assert.Equal(TimeSpan.FromHours(-2) + TimeSpan.FromSeconds(10), scheduler.Time.GetUtcNow() - start);
    }

    [Fact]
    public void Timeouts_of_the_framework_follow_the_simulated_clock()
    {
        using var scheduler = new SimulatedScheduler(1);

        scheduler.Run(async () =>
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5), scheduler.Time);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => Task.Delay(TimeSpan.FromHours(1), scheduler.Time, deadline.Token));
            await Assert.ThrowsAsync<TimeoutException>(
                () => new TaskCompletionSource().Task.WaitAsync(TimeSpan.FromSeconds(5), scheduler.Time));
        });

        Assert.Equal(TimeSpan.FromSeconds(10), scheduler.Elapsed);
    }

    [Fact]
    public void Interleaving_explores_orders_that_queueing_never_takes()
    {
        static string Order(ulong seed, bool interleaves)
        {
            using var scheduler = new SimulatedScheduler(seed, interleaves);
            var order = "";
            async Task StepAsync(char name)
            {
                for (var i = 0; i < 3; i++)
                {
                    await Task.Yield();
                    order += name;
                }
            }

            scheduler.Run(() => Task.WhenAll(StepAsync('a'), StepAsync('b'), StepAsync('c')));
            return order;
        }

        Assert.Equal("abcabcabc", Order(1, interleaves: false));
        Assert.Equal(Order(5, interleaves: true), Order(5, interleaves: true));
        Assert.True(Enumerable.Range(0, 20).Select(s => Order((ulong)s, true)).Distinct().Count() > 10);
    }
}
