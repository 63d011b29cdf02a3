namespace GpuScheduler.Simulator.Forecasting;

/// <summary>How a method did over a span of leads.</summary>
/// <param name="Method">The method; "chosen" for those that the service would have used at each moment.</param>
/// <param name="UpTo">The longest lead of the span; the shortest is behind that of the row before.</param>
/// <param name="Mae">Mean absolute error, in GPUs.</param>
/// <param name="Mase">The same over the mean change of demand from one day to the next.</param>
/// <param name="Coverage">Part of the time that the truth lay within the bounds; null for methods that are not asked for bounds.</param>
/// <param name="Used">Part of the points that the service would have forecast by this method; 1 for "chosen".</param>
internal sealed record BackTestRow(string Method, TimeSpan UpTo, double Mae, double Mase, double? Coverage, double Used);
