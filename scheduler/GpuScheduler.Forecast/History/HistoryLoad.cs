namespace GpuScheduler.Forecast.History;

/// <summary>What was read of a file.</summary>
/// <param name="Samples">Samples that were taken.</param>
/// <param name="Notes">What was left out, and why; empty when nothing was.</param>
/// <param name="EndsTorn">True when the last line has no end: the next one must begin with one.</param>
public sealed record HistoryLoad(int Samples, IReadOnlyList<string> Notes, bool EndsTorn);
