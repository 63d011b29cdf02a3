namespace GpuScheduler.Simulator.Report;

/// <summary>A part that the result depends on, and its version or digest.</summary>
/// <param name="Name">What it is, e.g. "simulator" or "trace default (SHA-256)".</param>
/// <param name="Value">Version or digest.</param>
internal readonly record struct ReportVersion(string Name, string Value);
