using System.Collections.Immutable;

namespace GpuScheduler.Forecast;

/// <summary>How a method did in the running back-test.</summary>
/// <param name="Method">Its name.</param>
/// <param name="Mae">Mean absolute error over all leads, in GPUs.</param>
/// <param name="Mase">The same over the mean change of demand from one day to the next; 0 where nothing changed.</param>
/// <param name="Ratio">Its error over that of the last value, as the geometric mean over the spans of leads.</param>
/// <param name="ByLead">Its error by lead.</param>
public sealed record MethodScore(string Method, double Mae, double Mase, double Ratio, ImmutableArray<LeadError> ByLead);
