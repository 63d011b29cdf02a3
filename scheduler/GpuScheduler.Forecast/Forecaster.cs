using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Forecast.Methods;

namespace GpuScheduler.Forecast;

/// <summary>
/// Forecasts one series as it grows. Every method is tried at moments of the past and compared with what came; at each lead the one with
/// the least error there makes the forecast, and its errors are the bounds. A moment is tried once, so that a call is a few fits however long the history. Not
/// thread-safe.
/// </summary>
public sealed class Forecaster
{
    /// <summary>Days that the methods must know before they are tried: two seasons of a day.</summary>
    public const int LeastDays = 2;

    /// <summary>Part of the errors that lies within the bounds.</summary>
    public const double Confidence = 0.9;

    /// <summary>Days of the past in which the methods are tried.</summary>
    private const int TriedDays = 28;

    /// <summary>Days of the past that a method is shown: four weeks, and one for gaps.</summary>
    private const int ShownDays = 35;

    /// <summary>Least moments that the errors of a lead are taken from; bounds are not known before.</summary>
    private const int LeastOrigins = 8;

    /// <summary>A method must err by so much less than the last value, or that is used: what is gained otherwise is chance, and the simplest is the most robust.</summary>
    internal const double LeastGain = 0.03;

    /// <summary>Most leads of a span at which a forecast is compared.</summary>
    private const int MostPerSpan = 8;

    /// <summary>Time between two moments: no divisor of a day, so that all hours have their turn.</summary>
    private static readonly TimeSpan s_stride = TimeSpan.FromMinutes(115);

    /// <summary>Who knows nothing newer than this forecasts nothing.</summary>
    private static readonly TimeSpan s_freshness = TimeSpan.FromHours(1);

    /// <summary>Ends of the spans of leads over which errors are put together.</summary>
    private static readonly TimeSpan[] s_spans = [.. new[] { 15, 30, 60, 120, 240, 480, 960, 1440, 2880, 5760, 10080 }.Select(m => TimeSpan.FromMinutes(m))];

    private readonly TimeSpan _step;
    private readonly int _horizon;
    private readonly int _stride;
    private readonly Seasons _seasons;
    private readonly IForecastMethod[] _methods;
    private readonly (int From, int To)[] _leads;

    /// <summary>Leads at which a forecast is compared: some of each span, as neighbours err alike.</summary>
    private readonly int[] _compared;

    /// <summary>By moment and method, what was forecast at these leads; null where a method had seen too little.</summary>
    private readonly SortedDictionary<long, double[]?[]> _tried = [];

    /// <summary>A forecaster of a series.</summary>
    /// <param name="step">Length of a step; it must divide a day.</param>
    /// <param name="horizon">How far ahead: at least a step, at most a week.</param>
    public Forecaster(TimeSpan step, TimeSpan horizon)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(step, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNotEqual(TimeSpan.TicksPerDay % step.Ticks, 0, nameof(step));
        ArgumentOutOfRangeException.ThrowIfLessThan(horizon, step);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(horizon, s_spans[^1]);
        (_step, _horizon, _seasons) = (step, (int)(horizon / step), new Seasons(step));
        _stride = Math.Max(1, (int)(s_stride / step) | 1);

        // In order of simplicity, which decides among equals.
        _methods = [new LastValue(), new SameTimeBefore("same-time-yesterday", _seasons.Day), new SameTimeBefore("same-time-last-week", _seasons.Week), new HarmonicRegression(step, byChange: true), new HarmonicRegression(step, byChange: false)];
        _leads = [.. SpansOf(step, _horizon)];
        _compared = [.. _leads.SelectMany(span => Enumerable.Range(0, Math.Min(MostPerSpan, span.To - span.From)).Select(i => span.From + (i * (span.To - span.From) / Math.Min(MostPerSpan, span.To - span.From))))];
    }

    /// <summary>Names of the methods, the baselines first.</summary>
    public IReadOnlyList<string> Methods => [.. _methods.Select(m => m.Name)];

    /// <summary>Forecasts what follows a series.</summary>
    /// <param name="series">What was; the same one as before, grown.</param>
    public ForecastResult Forecast(DemandSeries series)
    {
        ArgumentNullException.ThrowIfNull(series);
        if (series.Step != _step)
        {
            throw new ArgumentException($"the series has steps of {series.Step}, the forecaster of {_step}", nameof(series));
        }

        var first = series.First;
        while (first < series.End && double.IsNaN(series.At(first)))
        {
            first++;
        }

        if (first == series.End)
        {
            return Refused("no demand has been recorded yet");
        }

        var ready = first + (LeastDays * _seasons.Day);
        if (series.End < ready)
        {
            return Refused(string.Create(CultureInfo.InvariantCulture, $"the history covers {(series.End - first) * (_step / TimeSpan.FromDays(1)):0.0} days, and {LeastDays} are needed to know the season of a day: {Moment(ready)} at the earliest"));
        }

        if (!IsFresh(series, series.End))
        {
            return Refused(string.Create(CultureInfo.InvariantCulture, $"nothing was recorded in the last {s_freshness.TotalHours:0} h; forecasts go on with the next sample"));
        }

        Try(series, ready);
        var all = Enumerable.Range(0, _methods.Length).ToArray();
        int[] candidates = [.. all.Where(m => _tried.Values.Count(t => t[m] is not null) is var count && count >= LeastOrigins && 2 * count >= _tried.Count)];
        var origins = _tried.Where(t => candidates.All(m => t.Value[m] is not null)).ToList();
        var spans = _leads.TakeWhile(span => origins.Count(o => o.Key + span.To <= series.End) >= LeastOrigins).ToList();
        if (candidates.Length == 0 || spans.Count == 0)
        {
            return Refused(string.Create(CultureInfo.InvariantCulture, $"the history is long enough, but forecasts made from it have not yet been compared with what came at {LeastOrigins} moments, so that no bounds are known: {Moment(ready + (_stride * LeastOrigins) + _leads[0].To)} at the earliest, later where nothing was recorded for a time"));
        }

        var past = Shown(series, series.End);
        var made = new Dictionary<int, double[]>();
        foreach (var m in candidates)
        {
            var ahead = new double[spans[^1].To];
            if (_methods[m].TryContinue(past, ahead))
            {
                made[m] = ahead;
            }
        }

        if (made.Count == 0)
        {
            return Refused("too much of the last days is missing in the history");
        }

        var errors = made.Keys.ToDictionary(m => m, m => spans.Select(span => ErrorsOf(series, origins, m, span)).ToArray());
        if (errors.Values.Any(e => e.Any(span => span.Count == 0)))
        {
            return Refused("what came after the moments at which forecasts were tried was not recorded, so that no bounds are known");
        }

        var highest = series.Gpus.Where(g => !double.IsNaN(g)).Max();
        var mean = errors.ToDictionary(e => e.Key, e => Array.ConvertAll(e.Value, span => span.Average(Math.Abs)));
        var ratios = Ratios(mean, highest);
        var chosen = Enumerable.Range(0, spans.Count).Select(s => ChooseAt(s, ratios)).ToArray();
        return new ForecastResult(new DemandForecast(
            series.End,
            _step,
            Points(made, chosen, spans, errors, origins[^1].Key - origins[0].Key),
            [.. chosen.Select((m, s) => new LeadChoice(spans[s].To * _step, _methods[m].Name, mean[m][s], ratios[m][s]))],
            Scores(series, highest, spans, errors, mean, ratios),
            origins.Count)
        {
            Alternatives = made.ToImmutableDictionary(m => _methods[m.Key].Name, m => ImmutableArray.Create(m.Value), StringComparer.Ordinal),
        }, "");
    }

    private static IEnumerable<(int From, int To)> SpansOf(TimeSpan step, int horizon)
    {
        var from = 0;
        foreach (var span in s_spans)
        {
            var to = Math.Min(horizon, (int)(span / step));
            if (to > from)
            {
                yield return (from, to);
                from = to;
            }
        }
    }

    private static ForecastResult Refused(string why) => new(null, why);

    private string Moment(long number) => DemandSeries.TimeOf(number, _step).ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    /// <summary>Tries the methods at the moments that have come since the last call, and forgets those long past.</summary>
    private void Try(DemandSeries series, long ready)
    {
        var oldest = Math.Max(ready, series.End - (TriedDays * _seasons.Day) - _horizon);
        foreach (var old in _tried.Keys.Where(o => o < oldest || o >= series.End).ToList())
        {
            _tried.Remove(old);
        }

        for (var origin = (oldest + _stride - 1) / _stride * _stride; origin < series.End; origin += _stride)
        {
            if (!_tried.ContainsKey(origin) && IsFresh(series, origin))
            {
                var ahead = new double[_horizon];
                _tried[origin] = [.. _methods.Select(m => m.TryContinue(Shown(series, origin), ahead) ? Array.ConvertAll(_compared, h => ahead[h]) : null)];
            }
        }
    }

    private bool IsFresh(DemandSeries series, long end)
    {
        var known = false;
        for (var n = end - Math.Max(1, (int)(s_freshness / _step)); n < end; n++)
        {
            known |= !double.IsNaN(series.At(n));
        }

        return known;
    }

    private ReadOnlySpan<double> Shown(DemandSeries series, long end)
    {
        var start = Math.Max(series.First, end - (ShownDays * _seasons.Day));
        return series.Gpus.AsSpan((int)(start - series.First), (int)(end - start));
    }

    /// <summary>What came less what was forecast.</summary>
    private List<double> ErrorsOf(DemandSeries series, List<KeyValuePair<long, double[]?[]>> origins, int method, (int From, int To) span)
    {
        var errors = new List<double>();
        int[] leads = [.. Enumerable.Range(0, _compared.Length).Where(i => _compared[i] >= span.From && _compared[i] < span.To)];
        foreach (var (origin, forecasts) in origins)
        {
            foreach (var i in leads)
            {
                if (series.At(origin + _compared[i]) - forecasts[method]![i] is var error && !double.IsNaN(error))
                {
                    errors.Add(error);
                }
            }
        }

        return errors;
    }

    /// <summary>The error of each method over that of the simplest, by span.</summary>
    private static Dictionary<int, double[]> Ratios(Dictionary<int, double[]> mean, double highest)
    {
        // So small that it decides nothing, and 0 over 0 is 1.
        var nothing = highest > 0 ? highest * 1e-9 : 1;
        var reference = mean[mean.Keys.Min()];
        return mean.ToDictionary(e => e.Key, e => e.Value.Select((mae, s) => (mae + nothing) / (reference[s] + nothing)).ToArray());
    }

    /// <summary>The method for a span: of equals the simplest, and the last value unless another is clearly better.</summary>
    private static int ChooseAt(int span, Dictionary<int, double[]> ratios)
    {
        var best = ratios.Keys.Order().MinBy(m => Math.Round(ratios[m][span], 6));
        return ratios[best][span] > 1 - LeastGain ? ratios.Keys.Min() : best;
    }

    private ImmutableArray<MethodScore> Scores(DemandSeries series, double highest, List<(int From, int To)> spans, Dictionary<int, List<double>[]> errors, Dictionary<int, double[]> mean, Dictionary<int, double[]> ratios)
    {
        var daily = series.MeanDailyChange();
        return
        [
            .. errors.OrderBy(e => e.Key).Select(e => new MethodScore(
                    _methods[e.Key].Name,
                    e.Value.SelectMany(span => span).Average(Math.Abs) is var mae ? mae : 0,
                    daily > highest * 1e-9 ? mae / daily : 0,
                    Math.Exp(ratios[e.Key].Average(Math.Log)),
                    [.. spans.Select((span, s) => new LeadError(span.To * _step, mean[e.Key][s]))]))
                .OrderBy(s => Math.Round(s.Ratio, 6)),
        ];
    }

    /// <summary>
    /// What the chosen methods expect, and about it the quantiles of their errors. Each holds at the middle of its span; from one middle to the
    /// next it goes over to the other evenly, so that no step stands out. What is further ahead is never taken to be better known.
    /// </summary>
    private ImmutableArray<ForecastPoint> Points(Dictionary<int, double[]> made, int[] chosen, List<(int From, int To)> spans, Dictionary<int, List<double>[]> errors, long tried)
    {
        var (middles, below, above) = (new double[chosen.Length], new double[chosen.Length], new double[chosen.Length]);
        for (var s = 0; s < chosen.Length; s++)
        {
            middles[s] = (spans[s].From + spans[s].To - 1) / 2.0;
            List<double> sorted = [.. errors[chosen[s]][s].Order()];
            var level = LevelOf(tried, spans[s].To);
            below[s] = Math.Max(-Quantile(sorted, 1 - level), s > 0 ? below[s - 1] : 0);
            above[s] = Math.Max(Quantile(sorted, level), s > 0 ? above[s - 1] : 0);
        }

        var points = ImmutableArray.CreateBuilder<ForecastPoint>(spans[^1].To);
        for (var h = 0; h < spans[^1].To; h++)
        {
            var right = Array.FindIndex(middles, m => m >= h);
            right = right < 0 ? chosen.Length - 1 : right;
            var left = Math.Max(0, right - 1);
            var part = middles[right] > middles[left] ? Math.Clamp((h - middles[left]) / (middles[right] - middles[left]), 0, 1) : 1;
            double Between(double a, double b) => (a * (1 - part)) + (b * part);
            var expected = Between(made[chosen[left]][h], made[chosen[right]][h]);
            points.Add(new ForecastPoint(expected, Math.Max(0, expected - Between(below[left], below[right])), expected + Between(above[left], above[right]), _methods[chosen[part > 0.5 ? right : left]].Name));
        }

        return points.MoveToImmutable();
    }

    /// <summary>
    /// The quantile of n errors that a further one exceeds with the probability that is left: a little more than it (split conformal prediction).
    /// Errors of moments that are closer together than the lead count as one: they are of the same events.
    /// </summary>
    private double LevelOf(long tried, int lead)
    {
        var apart = Math.Max(1.0, (double)tried / Math.Max(_stride, lead));
        return Math.Min(1, (apart + 1) / apart * (1 + Confidence) / 2);
    }

    private static double Quantile(List<double> sorted, double level)
    {
        var at = level * (sorted.Count - 1);
        var left = (int)at;
        return left + 1 < sorted.Count ? sorted[left] + ((at - left) * (sorted[left + 1] - sorted[left])) : sorted[left];
    }
}
