using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>What of a pod its filters and scores look at: pods of the same shape have the same scores.</summary>
/// <param name="Request">The devices.</param>
/// <param name="CpuMilli">CPU, in milli-CPU.</param>
/// <param name="MemoryBytes">Memory, in bytes, where a score looks at it; else 0, so that the shapes stay few.</param>
internal readonly record struct ScoreKey(GpuRequest Request, long CpuMilli, long MemoryBytes);
