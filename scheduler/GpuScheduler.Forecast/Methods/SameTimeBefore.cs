namespace GpuScheduler.Forecast.Methods;

/// <summary>Baseline: as it was at the same time a season ago, or where there is a gap, as many seasons ago as it takes.</summary>
/// <param name="name">Its name.</param>
/// <param name="season">The season, in steps.</param>
internal sealed class SameTimeBefore(string name, int season) : IForecastMethod
{
    public string Name => name;

    public bool TryContinue(ReadOnlySpan<double> past, Span<double> ahead)
    {
        for (var h = 0; h < ahead.Length; h++)
        {
            var from = past.Length + h;
            do
            {
                from -= season;
            }
            while (from >= past.Length || (from >= 0 && double.IsNaN(past[from])));

            if (from < 0)
            {
                return false;
            }

            ahead[h] = past[from];
        }

        return true;
    }
}
