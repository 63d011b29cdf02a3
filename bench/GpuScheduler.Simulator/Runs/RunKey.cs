using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Runs;

/// <summary>One run among those of an experiment.</summary>
/// <param name="Trace">The workload.</param>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Load">Offered load in % in timed mode; null for the trace's own, and in fill-up mode.</param>
internal sealed record RunKey(Trace Trace, string Policy, long Seed, double? Load);
