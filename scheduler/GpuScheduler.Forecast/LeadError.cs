namespace GpuScheduler.Forecast;

/// <summary>How far a method was off so long ahead.</summary>
/// <param name="UpTo">The longest lead that is counted; the shortest is behind that of the entry before.</param>
/// <param name="Mae">Mean absolute error, in GPUs.</param>
public readonly record struct LeadError(TimeSpan UpTo, double Mae);
