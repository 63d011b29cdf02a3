using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Tests;

/// <summary>Time enough.</summary>
internal static class Forever
{
    public static SolveLimit Limit => new(TimeProvider.System, TimeSpan.FromHours(1));
}
