namespace GpuScheduler.Benchmarks.Planning;

/// <summary>How far one search came.</summary>
internal sealed record ShortfallRow(int Nodes, int Jobs, double Seconds, int HaveRoom, int Helped, int NotHelped, int NotTried, int Added, int AtLeast);
