namespace GpuScheduler.Forecast;

/// <summary>The method that is used so long ahead: the one with the least error there in the running back-test, or the last value where none is clearly better.</summary>
/// <param name="UpTo">The longest lead; the shortest is behind that of the entry before.</param>
/// <param name="Method">The method's name.</param>
/// <param name="Mae">Its mean absolute error there, in GPUs.</param>
/// <param name="Ratio">That over the error of the last value.</param>
public sealed record LeadChoice(TimeSpan UpTo, string Method, double Mae, double Ratio);
