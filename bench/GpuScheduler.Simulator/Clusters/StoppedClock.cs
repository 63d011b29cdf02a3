namespace GpuScheduler.Simulator.Clusters;

/// <summary>A clock that stands still: nothing that the engine holds expires in a simulation, and no result depends on when it was made.</summary>
internal sealed class StoppedClock : TimeProvider
{
    private StoppedClock()
    {
    }

    /// <summary>The clock.</summary>
    public static StoppedClock Instance { get; } = new();

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch;
}
