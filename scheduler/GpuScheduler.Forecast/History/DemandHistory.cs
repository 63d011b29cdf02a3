using System.Collections.Immutable;

namespace GpuScheduler.Forecast.History;

/// <summary>The last samples, at most so many. Not thread-safe.</summary>
public sealed class DemandHistory
{
    /// <summary>Most models of which a series is made: those with the most demand.</summary>
    public const int MostModels = 16;

    private readonly SortedDictionary<long, DemandSample> _samples = [];
    private readonly int _most;

    /// <summary>An empty history.</summary>
    /// <param name="step">Length of a step.</param>
    /// <param name="keep">How long a sample is kept.</param>
    public DemandHistory(TimeSpan step, TimeSpan keep)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(step, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, step);
        (Step, _most) = (step, (int)(keep / step));
    }

    /// <summary>Length of a step.</summary>
    public TimeSpan Step { get; }

    /// <summary>Samples there are.</summary>
    public int Count => _samples.Count;

    /// <summary>The newest sample; null when there is none.</summary>
    public DemandSample? Newest { get; private set; }

    /// <summary>Number of the oldest sample's step; 0 when there is none.</summary>
    public long First => _samples.Count > 0 ? _samples.Keys.First() : 0;

    /// <summary>All samples, the oldest first.</summary>
    public IEnumerable<DemandSample> Samples => _samples.Values;

    /// <summary>Adds a sample, in place of one of the same step; those that are too old for the newest go.</summary>
    public void Add(DemandSample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        if (Newest is { } newest && sample.Number <= newest.Number - _most)
        {
            return;
        }

        _samples[sample.Number] = sample;
        Newest = Newest is { } known && known.Number > sample.Number ? known : sample;
        while (First <= Newest.Number - _most)
        {
            _samples.Remove(First);
        }
    }

    /// <summary>Demand over time.</summary>
    /// <param name="model">A model that pods name; null for all there is.</param>
    public DemandSeries Series(string? model = null)
    {
        if (Newest is null)
        {
            return new DemandSeries(0, Step, []);
        }

        var first = First;
        var gpus = new double[Newest.Number - first + 1];
        Array.Fill(gpus, double.NaN);
        foreach (var sample in _samples.Values)
        {
            gpus[sample.Number - first] = model is null ? sample.Gpus : sample.Models.GetValueOrDefault(model);
        }

        return new DemandSeries(first, Step, ImmutableArray.Create(gpus));
    }

    /// <summary>The models that pods have named, those with the most demand; in order of their names.</summary>
    public IReadOnlyList<string> Models() =>
    [
        .. _samples.Values.SelectMany(s => s.Models).GroupBy(m => m.Key, m => m.Value).OrderByDescending(m => m.Sum()).ThenBy(m => m.Key, StringComparer.Ordinal)
            .Take(MostModels).Select(m => m.Key).Order(StringComparer.Ordinal),
    ];
}
