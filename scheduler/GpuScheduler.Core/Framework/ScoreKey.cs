using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>The shape of a pod: pods of the same shape have the same scores where they fit.</summary>
/// <param name="Request">The devices.</param>
/// <param name="CpuMilli">CPU, in milli-CPU.</param>
/// <param name="MemoryBytes">Memory, in bytes, where a score looks at it; else 0, so that the shapes stay few.</param>
/// <param name="Demands">What else it asks of a node, where a filter looks at it; else null.</param>
/// <param name="Data">The data that it works on, where a score looks at them; else null.</param>
internal readonly record struct ScoreKey(GpuRequest Request, long CpuMilli, long MemoryBytes, NodeDemands? Demands, DataNeeds? Data);
