using GpuScheduler.Forecast;

namespace GpuScheduler.Simulator.Forecasting;

/// <summary>What a back-test found.</summary>
/// <param name="Name">Name of the series.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="Series">The series.</param>
/// <param name="Origins">Forecasts that were made.</param>
/// <param name="Changes">How often a forecast was made by other methods than the one before.</param>
/// <param name="Rows">Errors, by method and span of leads.</param>
/// <param name="Capacity">The question of capacity, by way to order it.</param>
/// <param name="FitMilliseconds">Mean time of a forecast.</param>
internal sealed record BackTestResult(
    string Name,
    string Source,
    DemandSeries Series,
    int Origins,
    int Changes,
    IReadOnlyList<BackTestRow> Rows,
    IReadOnlyList<CapacityFigures> Capacity,
    double FitMilliseconds);
