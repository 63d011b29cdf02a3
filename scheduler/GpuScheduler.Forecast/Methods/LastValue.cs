namespace GpuScheduler.Forecast.Methods;

/// <summary>Baseline: it stays as it is.</summary>
internal sealed class LastValue : IForecastMethod
{
    public string Name => "last-value";

    public bool TryContinue(ReadOnlySpan<double> past, Span<double> ahead)
    {
        var last = past.Length - 1;
        while (last >= 0 && double.IsNaN(past[last]))
        {
            last--;
        }

        if (last < 0)
        {
            return false;
        }

        ahead.Fill(past[last]);
        return true;
    }
}
