using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Forecast;
using GpuScheduler.Forecast.History;

namespace GpuScheduler.Extender.Forecasting;

/// <summary>
/// Looks at demand from time to time, remembers the mean of each step, and forecasts after each. Every replica does, as each watches the
/// cluster: one that takes over knows the past. Nobody waits for it.
/// </summary>
internal sealed partial class ForecastService(ClusterState cluster, Readiness readiness, ExtenderOptions options, TimeProvider time, ILogger<ForecastService> log) : BackgroundService
{
    /// <summary>Looks at demand in a step.</summary>
    private const int LooksPerStep = 10;

    /// <summary>Most files of other replicas that are read.</summary>
    private const int MostFiles = 32;

    private readonly ForecastSettings _settings = options.Forecast;
    private readonly DemandHistory _history = new(options.Forecast.Step, options.Forecast.Keep);
    private readonly Dictionary<string, Forecaster> _forecasters = new(StringComparer.Ordinal);
    private readonly List<GpuDemand> _looks = [];
    private volatile ForecastView _view = ForecastView.Empty;
    private HistoryFile? _file;
    private string? _problem;
    private long _step;
    private string _methods = "";

    /// <summary>What is known, as of the last step.</summary>
    public ForecastView View => _view;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // What starts the service does not wait for a long history.
        await Task.Yield();
        Guard(() => Load());
        using var timer = new PeriodicTimer(_settings.Step / LooksPerStep, time);
        do
        {
            Guard(() => Look());
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Reads what was remembered, and forecasts from it.</summary>
    internal void Load()
    {
        _step = DemandSeries.StepOf(time.GetUtcNow(), _settings.Step);
        if (_settings.OwnPath is { } own)
        {
            foreach (var other in OthersThan(own))
            {
                TryLoad(new HistoryFile(other));
            }

            // The own file last: of two samples of one step its own counts.
            var file = new HistoryFile(own);
            _file = TryLoad(file) ? file : null;
        }

        Publish();
    }

    /// <summary>Looks at demand; when a step is over, remembers it and forecasts.</summary>
    internal void Look()
    {
        var step = DemandSeries.StepOf(time.GetUtcNow(), _settings.Step);
        if (step != _step)
        {
            // A clock that was set back goes over known steps again, and they are replaced.
            Remember();
            _step = step;
        }

        // A cluster that is not read yet has no demand, which is not 0.
        if (readiness.IsSynced)
        {
            _looks.Add(GpuDemand.Of(cluster));
        }
    }

    private IEnumerable<string> OthersThan(string own)
    {
        if (!_settings.Path.Contains(ForecastSettings.Host, StringComparison.Ordinal))
        {
            return [];
        }

        try
        {
            var full = Path.GetFullPath(_settings.Path);
            return new DirectoryInfo(Path.GetDirectoryName(full)!).GetFiles(Path.GetFileName(full).Replace(ForecastSettings.Host, "*", StringComparison.Ordinal))
                .Where(f => f.FullName != Path.GetFullPath(own)).OrderByDescending(f => f.LastWriteTimeUtc).Take(MostFiles).Reverse().Select(f => f.FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogUnusable(log, e.Message);
            return [];
        }
    }

    private bool TryLoad(HistoryFile file)
    {
        try
        {
            var load = file.Load(_history, time.GetUtcNow() - _settings.Keep, time.GetUtcNow());
            foreach (var note in load.Notes)
            {
                LogLeftOut(log, note);
            }

            LogLoaded(log, load.Samples, file.Path);
            return true;
        }
        catch (InvalidHistoryException e)
        {
            _problem = file.Path == _settings.OwnPath ? e.Message : _problem;
            LogUnusable(log, e.Message);
            return false;
        }
    }

    private void Remember()
    {
        if (_looks.Count > 0)
        {
            double Mean(Func<GpuDemand, long> value) => _looks.Sum(l => value(l) / 1000.0) / _looks.Count;
            var sample = new DemandSample(
                _step,
                Mean(l => l.RunningMilli + l.WaitingMilli),
                Mean(l => l.WaitingMilli),
                _looks.SelectMany(l => l.ByModel.Keys).Distinct().OrderByDescending(m => _looks.Sum(l => l.ByModel.GetValueOrDefault(m))).Take(DemandHistory.MostModels)
                    .ToImmutableSortedDictionary(m => m, m => Mean(l => l.ByModel.GetValueOrDefault(m)), StringComparer.Ordinal));
            _looks.Clear();
            _history.Add(sample);
            Write(sample);
        }

        Publish();
    }

    private void Write(DemandSample sample)
    {
        if (_file is null)
        {
            return;
        }

        try
        {
            _file.Append(sample, _history);
            if (_problem is not null)
            {
                // What could not be added meanwhile is in memory.
                _file.Rewrite(_history);
                LogWrittenAgain(log, _file.Path);
                _problem = null;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (_problem is null)
            {
                LogUnusable(log, e.Message);
            }

            _problem = e.Message;
        }
    }

    private void Publish()
    {
        var models = _history.Models();
        foreach (var gone in _forecasters.Keys.Where(k => k != ForecastView.All && !models.Contains(k)).ToList())
        {
            _forecasters.Remove(gone);
        }

        var results = models.Prepend(ForecastView.All).ToImmutableSortedDictionary(m => m, Forecast, StringComparer.Ordinal);
        _view = new ForecastView { Newest = _history.Newest, First = _history.First, Samples = _history.Count, Problem = _problem, Results = results };
        if (results[ForecastView.All].Forecast is { } all && all.Methods != _methods)
        {
            LogMethod(log, all.Why);
            _methods = all.Methods;
        }
    }

    private ForecastResult Forecast(string model)
    {
        if (!_forecasters.TryGetValue(model, out var forecaster))
        {
            _forecasters[model] = forecaster = new Forecaster(_settings.Step, _settings.Horizon);
        }

        // Steps that nobody looked at until now are a gap at the end.
        return forecaster.Forecast(_history.Series(model == ForecastView.All ? null : model).Until(DemandSeries.StepOf(time.GetUtcNow(), _settings.Step)));
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            LogFault(log, e);
        }
    }

    [LoggerMessage(1160, LogLevel.Information, "{Samples} samples of demand were read from {File}", EventName = "DemandLoaded")]
    private static partial void LogLoaded(ILogger log, int samples, string file);

    [LoggerMessage(1161, LogLevel.Warning, "A part of the history of demand is left out: {What}", EventName = "DemandLeftOut")]
    private static partial void LogLeftOut(ILogger log, string what);

    [LoggerMessage(1162, LogLevel.Error, "The history of demand cannot be used, and is kept in memory alone until it can: {Why}", EventName = "DemandFileFailed")]
    private static partial void LogUnusable(ILogger log, string why);

    [LoggerMessage(1163, LogLevel.Information, "The history of demand is written to {File} again; nothing is missing", EventName = "DemandFileResumed")]
    private static partial void LogWrittenAgain(ILogger log, string file);

    [LoggerMessage(1164, LogLevel.Information, "Demand is forecast by other methods than before: {Why}", EventName = "ForecastMethod")]
    private static partial void LogMethod(ILogger log, string why);

    [LoggerMessage(1165, LogLevel.Error, "Looking at demand or forecasting it failed; it goes on", EventName = "ForecastFailed")]
    private static partial void LogFault(ILogger log, Exception exception);
}
