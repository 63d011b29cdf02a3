using Xunit;

namespace GpuScheduler.Core.Tests.Gangs.Life;

/// <summary>Gangs under random faults. GPU_SCHEDULER_GANG_RUNS sets the number of runs, 10,000 without it; GPU_SCHEDULER_GANG_SEED repeats one.</summary>
public sealed class SchedulerModelTests
{
    private const int Steps = 200;

    [Fact]
    public void Whatever_fails_no_gang_is_bound_in_part_no_device_twice_and_what_fits_runs_in_the_end()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("GPU_SCHEDULER_GANG_SEED"), out var one))
        {
            new SchedulerModel(one).Run(Steps);
            return;
        }

        var runs = int.TryParse(Environment.GetEnvironmentVariable("GPU_SCHEDULER_GANG_RUNS"), out var some) ? some : 10_000;
        var (bound, opened, removed, kept) = (0L, 0L, 0L, 0L);
        Parallel.For(0, runs, new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
        {
            var model = new SchedulerModel(seed);
            model.Run(Steps);
            Interlocked.Add(ref bound, model.BoundEver);
            Interlocked.Add(ref opened, model.Opened);
            Interlocked.Add(ref removed, model.Removed);
            Interlocked.Add(ref kept, model.Kept);
        });
        Assert.True(bound > runs * 5, $"only {bound} binds in {runs} runs");
        Assert.True(removed > runs / 2, $"only {removed} pods were removed for gangs in {runs} runs");
        Assert.True(kept > runs * 10, $"only at {kept} steps of {runs} runs was anything kept");
        Assert.True(opened >= bound, $"{opened} promises and {bound} binds");
    }
}
