namespace GpuScheduler.Forecast;

/// <summary>What is expected of a step.</summary>
/// <param name="Expected">GPUs.</param>
/// <param name="Low">GPUs that it will hardly be less than.</param>
/// <param name="High">GPUs that it will hardly be more than.</param>
/// <param name="Method">The method of the nearest lead, which it is made by; between two leads it goes over from the method of the one to that of the other.</param>
public readonly record struct ForecastPoint(double Expected, double Low, double High, string Method);
