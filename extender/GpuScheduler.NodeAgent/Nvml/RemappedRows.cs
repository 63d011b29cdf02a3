namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>How the remapping of bad memory rows stands.</summary>
internal readonly record struct RemappedRows(bool Pending, bool Failed);
