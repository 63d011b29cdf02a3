namespace GpuScheduler.Extender.Shadow;

/// <summary>A pod that was decided differently.</summary>
/// <param name="Uid">Its UID.</param>
/// <param name="Time">When.</param>
/// <param name="Pod">namespace/name.</param>
/// <param name="Request">What it asks for, in words.</param>
/// <param name="Gang">Its gang; null when it is in none.</param>
/// <param name="Reference">The node that the other side gave it; null for none.</param>
/// <param name="Shadow">The node that the shadow gave it; null for none.</param>
internal sealed record ShadowDifference(string Uid, DateTimeOffset Time, string Pod, string Request, string? Gang, string? Reference, string? Shadow);
