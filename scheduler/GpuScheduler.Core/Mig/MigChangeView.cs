namespace GpuScheduler.Core.Mig;

/// <summary>A change under way, for inspection.</summary>
/// <param name="Node">The node.</param>
/// <param name="From">The configuration before; null for none.</param>
/// <param name="To">The one asked for.</param>
/// <param name="Phase">How far it is.</param>
/// <param name="Since">When it began.</param>
/// <param name="State">What mig-manager says; null for nothing.</param>
/// <param name="Problem">What went wrong last; "" for nothing.</param>
public sealed record MigChangeView(string Node, string? From, string To, MigPhase Phase, DateTimeOffset Since, string? State, string Problem);
