using System.Collections.Immutable;

namespace GpuScheduler.Core.Framework;

/// <summary>A node on which pods would be removed for another.</summary>
/// <param name="Node">Name of the node.</param>
/// <param name="VictimUids">UIDs of the pods to remove.</param>
/// <param name="PdbViolations">Pod disruption budgets that this violates, as kube-scheduler counted.</param>
public sealed record PreemptionCandidate(string Node, ImmutableArray<string> VictimUids, long PdbViolations);
