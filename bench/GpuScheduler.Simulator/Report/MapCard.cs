namespace GpuScheduler.Simulator.Report;

/// <summary>A card of the map.</summary>
/// <param name="UsedMilli">What is promised of it, 0 to 1000 milli; a card cut by MIG counts its used slices.</param>
/// <param name="Healthy">False when it was reported unhealthy: it is hatched.</param>
internal sealed record MapCard(int UsedMilli, bool Healthy = true)
{
    /// <summary>Its MIG devices; empty for a card that is not cut.</summary>
    public IReadOnlyList<MapSlice> Slices { get; init; } = [];
}
