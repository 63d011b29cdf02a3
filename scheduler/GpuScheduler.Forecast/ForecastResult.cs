namespace GpuScheduler.Forecast;

/// <summary>A forecast, or why there is none.</summary>
/// <param name="Forecast">The forecast; null when there is none.</param>
/// <param name="Refusal">Why there is none, in words that say when there will be; empty when there is one.</param>
public sealed record ForecastResult(DemandForecast? Forecast, string Refusal);
