namespace GpuScheduler.Forecast.Methods;

/// <summary>One way to continue a series.</summary>
internal interface IForecastMethod
{
    /// <summary>Its name, as answers and tables have it.</summary>
    string Name { get; }

    /// <summary>Continues a series; false where it has seen too little to say anything.</summary>
    /// <param name="past">What was, the newest last; NaN in gaps.</param>
    /// <param name="ahead">Receives what comes: finite, never negative.</param>
    bool TryContinue(ReadOnlySpan<double> past, Span<double> ahead);
}
