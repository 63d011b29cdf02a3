namespace GpuScheduler.Core.Mig;

/// <summary>A node whose layout is to be changed.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Config">The configuration that it is to get.</param>
/// <param name="Disturbed">GPUs whose layout changes.</param>
public sealed record MigNodeChange(string Node, MigConfig Config, int Disturbed);
