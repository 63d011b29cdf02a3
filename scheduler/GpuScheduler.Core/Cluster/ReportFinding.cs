namespace GpuScheduler.Core.Cluster;

/// <summary>What a node's report says against a pod's devices.</summary>
/// <param name="Pod">The pod, as namespace/name.</param>
/// <param name="Text">What is wrong, for people.</param>
public sealed record ReportFinding(string Pod, string Text);
