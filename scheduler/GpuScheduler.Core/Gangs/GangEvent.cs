namespace GpuScheduler.Core.Gangs;

/// <summary>Something that happened to a gang.</summary>
/// <param name="At">When.</param>
/// <param name="What">What, in words.</param>
public sealed record GangEvent(DateTimeOffset At, string What);
