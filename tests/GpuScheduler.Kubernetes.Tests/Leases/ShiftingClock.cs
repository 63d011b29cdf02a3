namespace GpuScheduler.Kubernetes.Tests.Leases;

/// <summary>Two clocks, as a machine has them: a monotonic one with timers that passes, and a wall clock that can be set besides.</summary>
internal sealed class ShiftingClock : TimeProvider
{
    private readonly StepClock _monotonic = new();
    private TimeSpan _shift;
    private TimeSpan _silent;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _monotonic.GetUtcNow() + _silent + _shift;

    public override long GetTimestamp() => _monotonic.GetTimestamp() + _silent.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => _monotonic.CreateTimer(callback, state, dueTime, period);

    /// <summary>Time passes on both, and timers that are due fire.</summary>
    public void Pass(TimeSpan by) => _monotonic.Advance(by);

    /// <summary>Time passes on both, and no timer has come to fire yet.</summary>
    public void PassSilently(TimeSpan by) => _silent += by;

    /// <summary>Somebody sets the wall clock.</summary>
    public void Jump(TimeSpan by) => _shift += by;
}
