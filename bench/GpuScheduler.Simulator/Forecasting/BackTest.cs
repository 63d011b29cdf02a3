using System.Diagnostics;
using System.Globalization;
using GpuScheduler.Forecast;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Forecasting;

/// <summary>
/// Stands at one moment of a series after the other, forecasts what follows from what was, by the service's own <see cref="Forecaster"/>, and
/// compares. The forecaster sees nothing of what comes, its choice of method and its bounds included.
/// </summary>
internal static class BackTest
{
    /// <summary>Name of the rows of whatever methods the service would have used.</summary>
    public const string Chosen = "chosen";

    private static readonly TimeSpan[] s_spans = [.. new[] { 15, 60, 240, 720, 1440, 10080 }.Select(m => TimeSpan.FromMinutes(m))];

    /// <summary>Runs it.</summary>
    public static BackTestResult Run(string name, string source, DemandSeries series, BackTestSettings settings, CancellationToken cancellation)
    {
        var step = series.Step;
        var forecaster = new Forecaster(step, settings.Horizon);
        var (every, lead) = (Math.Max(1, (int)(settings.Every / step)), (int)Math.Ceiling(settings.Lead / step));
        var spans = s_spans.Where((s, i) => i == 0 || s_spans[i - 1] < settings.Horizon).Select(s => s < settings.Horizon ? s : settings.Horizon).Where(s => s >= step).ToList();
        var sums = new Dictionary<(string Method, int Span), (double Error, int Count, int Inside, int Used)>();
        var (ordered, now) = (new double[series.Gpus.Length], new double[series.Gpus.Length]);
        Array.Fill(ordered, double.NaN);
        Array.Fill(now, double.NaN);
        var (origins, changes, refusal, methods) = (0, 0, "", "");
        var clock = new Stopwatch();
        for (var origin = series.First + 1; origin < series.End; origin += every)
        {
            cancellation.ThrowIfCancellationRequested();
            clock.Start();
            var result = forecaster.Forecast(series.Before(origin));
            clock.Stop();
            if (result.Forecast is not { } forecast)
            {
                refusal = result.Refusal;
                continue;
            }

            origins++;
            changes += methods.Length > 0 && forecast.Methods != methods ? 1 : 0;
            methods = forecast.Methods;
            for (var h = 0; h < forecast.Points.Length; h++)
            {
                var truth = series.At(origin + h);
                if (!double.IsNaN(truth))
                {
                    var point = forecast.Points[h];
                    var span = spans.FindIndex(s => (h + 1) * step <= s);
                    Add(Chosen, span, point.Expected - truth, truth >= point.Low - 1e-9 && truth <= point.High + 1e-9, true);
                    foreach (var other in forecast.Alternatives)
                    {
                        Add(other.Key, span, other.Value[h] - truth, false, other.Key == point.Method);
                    }
                }
            }

            // What is ordered now is there a lead later, until the next order takes effect.
            for (var h = lead; h < lead + every && origin + h < series.End && h < forecast.Points.Length; h++)
            {
                (ordered[origin + h - series.First], now[origin + h - series.First]) = (forecast.Points[h].High, series.At(origin - 1));
            }
        }

        if (origins == 0)
        {
            throw new InputException($"{name}: no forecast can be made at any moment of it: {refusal}");
        }

        var daily = series.MeanDailyChange();
        var order = forecaster.Methods.Prepend(Chosen).ToList();
        var rows = sums.OrderBy(s => order.IndexOf(s.Key.Method)).ThenBy(s => s.Key.Span)
            .Select(s => new BackTestRow(s.Key.Method, spans[s.Key.Span], s.Value.Error / s.Value.Count, daily > 0 ? s.Value.Error / s.Value.Count / daily : 0, s.Key.Method == Chosen ? (double)s.Value.Inside / s.Value.Count : null, (double)s.Value.Used / sums[(Chosen, s.Key.Span)].Count))
            .ToList();
        return new BackTestResult(name, source, series, origins, changes, rows, Capacity(series, ordered, now, settings), clock.Elapsed.TotalMilliseconds / origins);

        void Add(string method, int span, double error, bool inside, bool used)
        {
            var (sum, count, within, times) = sums.GetValueOrDefault((method, span));
            sums[(method, span)] = (sum + Math.Abs(error), count + 1, within + (inside ? 1 : 0), times + (used ? 1 : 0));
        }
    }

    /// <summary>Capacity that follows the upper bound, that follows what is demanded now, and the latter with a margin that leaves as much idle.</summary>
    private static List<CapacityFigures> Capacity(DemandSeries series, double[] forecast, double[] now, BackTestSettings settings)
    {
        // All ways are compared over the steps for which each ordered something.
        for (var i = 0; i < now.Length; i++)
        {
            if (double.IsNaN(now[i]) || double.IsNaN(forecast[i]))
            {
                now[i] = forecast[i] = double.NaN;
            }
        }

        var question = new CapacityQuestion(series.Gpus, series.Step, settings.NodeGpus);
        var ahead = question.Answer("upper bound of the forecast", forecast);
        var (margin, gpus) = question.WithIdleOf("demand of now, with a margin that leaves as much idle", now, ahead.IdleGpuHours);
        var peak = forecast.Select((f, i) => double.IsNaN(f) ? 0 : double.IsNaN(series.Gpus[i]) ? 0 : series.Gpus[i]).Max();
        return
        [
            ahead,
            question.Answer("demand of now", now),
            margin with { Way = string.Create(CultureInfo.InvariantCulture, $"demand of now {(gpus < 0 ? "less" : "and")} {Math.Abs(gpus):0} GPUs, which leaves as much idle") },
            question.Answer("the highest demand, always", [.. forecast.Select(f => double.IsNaN(f) ? double.NaN : peak)]),
        ];
    }
}
