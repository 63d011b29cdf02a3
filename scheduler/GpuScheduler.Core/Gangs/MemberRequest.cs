using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>What each member of a role asks of its node.</summary>
/// <param name="Request">GPUs, MIG devices or shares, with their constraints.</param>
/// <param name="CpuMilli">CPU, in milli-CPU.</param>
/// <param name="MemoryBytes">Memory, in bytes.</param>
/// <param name="Allows">True for the positions where members may go for reasons outside this scheduler (kube-scheduler's own filters); null for all.</param>
public sealed record MemberRequest(GpuRequest Request, long CpuMilli = 0, long MemoryBytes = 0, Predicate<int>? Allows = null);
