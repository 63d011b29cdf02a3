using System.Diagnostics.Metrics;
using GpuScheduler.Extender.Canary;
using GpuScheduler.Extender.Metrics;

namespace GpuScheduler.Extender.Settings;

/// <summary>
/// Reads the settings again while the service runs, by the code of the start. They are taken as a whole or not at all. What can take effect
/// at once does; the rest waits for a start, and is named.
/// </summary>
internal sealed partial class SettingsReloader
{
    private readonly Lock _gate = new();
    private readonly SettingsSource _source;
    private readonly EngineControl _engine;
    private readonly LoggingSettings _logging;
    private readonly ExtenderMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private IConfigurationRoot _taken;
    private volatile SettingsState _state;

    public SettingsReloader(SettingsSource source, SettingsInUse settings, EngineControl engine, LoggingSettings logging, ExtenderMetrics metrics, TimeProvider time, ILogger<SettingsReloader> log)
    {
        (_source, Settings, _engine, _logging, _metrics, _time, _log) = (source, settings, engine, logging, metrics, time, log);
        _taken = source.AtStart;
        _state = new SettingsState(1, time.GetUtcNow(), []);
        metrics.Observe("gpu_scheduler.config.last_reload_successful", "", "1 when the file as it is now is in use, 0 when it was refused.", () => [new Measurement<double>(_state.Refused is null ? 1 : 0)]);
        metrics.Observe("gpu_scheduler.config.last_success_timestamp", "s", "When the settings in use were taken, in seconds since 1970.", () => [new Measurement<double>(_state.LoadedAt.ToUnixTimeMilliseconds() / 1000.0)]);
        metrics.Observe("gpu_scheduler.config.waiting", "", "Settings of the file that take effect at the next start.", () => [new Measurement<double>(_state.Waiting.Count)]);
    }

    /// <summary>The settings in effect.</summary>
    public SettingsInUse Settings { get; }

    /// <summary>The file; null when there is none.</summary>
    public string? File => _source.File;

    /// <summary>What the file had in it just before the settings were read at start.</summary>
    public string StampAtStart => _source.Stamp;

    /// <summary>How the last look at the file ended.</summary>
    public SettingsState State => _state;

    /// <summary>Reads the settings again. True when they are in use now.</summary>
    public bool Reload()
    {
        lock (_gate)
        {
            try
            {
                var all = SettingsReader.Read(_source.File, _source.CommandLine);
                var wanted = SettingsReader.Check(all);
                var present = SettingsReader.Of(all.AsEnumerable().Where(s => LiveSettings.Has(s.Key)).Concat(_source.AtStart.AsEnumerable().Where(s => !LiveSettings.Has(s.Key))));
                var options = CheckTogether(present);
                _engine.Apply(options);
                _logging.Set(present);
                Taken(all, options, wanted);
                return true;
            }
            catch (Exception e) when (SettingsReader.Problems(e) is { } problems)
            {
                Refuse([.. problems]);
                return false;
            }
        }
    }

    /// <summary>What takes effect at once has to go with what waits, and stays as it is until then.</summary>
    private static ExtenderOptions CheckTogether(IConfigurationRoot present)
    {
        try
        {
            return SettingsReader.Check(present);
        }
        catch (Microsoft.Extensions.Options.OptionsValidationException e)
        {
            throw new Microsoft.Extensions.Options.OptionsValidationException(e.OptionsName, e.OptionsType, e.Failures.Select(f => $"{f} (together with settings that stay as they are until the next start)"));
        }
    }

    private void Taken(IConfigurationRoot all, ExtenderOptions options, ExtenderOptions wanted)
    {
        var (now, then) = (SettingsTable.Of(options), SettingsTable.Of(wanted));
        List<WaitingSetting> waiting =
        [
            .. SettingsTable.Differences(now, then).Select(name =>
            {
                var setting = now.GetValueOrDefault(name) ?? then[name];
                return new WaitingSetting(name, now.GetValueOrDefault(name)?.Shown ?? "", setting.Show(then.GetValueOrDefault(name)?.Value ?? ""));
            }),
        ];
        var changed = Names(_taken, all);
        _taken = all;
        _metrics.SettingsRead("taken");
        _state = new SettingsState(_state.Generation + 1, _time.GetUtcNow(), waiting);
        LogTaken(_log, _state.Generation, changed.Count == 0 ? "nothing" : string.Join(", ", changed));
        if (waiting.Count > 0)
        {
            LogWaits(_log, string.Join(", ", waiting.Select(w => w.Name)));
        }
    }

    private void Refuse(List<string> reasons)
    {
        _metrics.SettingsRead("refused");
        _state = _state with { Refused = new SettingsRefusal(_time.GetUtcNow(), reasons) };
        foreach (var reason in reasons)
        {
            LogRefused(_log, reason);
        }
    }

    private static List<string> Names(IConfigurationRoot one, IConfigurationRoot other)
    {
        var (before, after) = (one.AsEnumerable().ToDictionary(StringComparer.OrdinalIgnoreCase), other.AsEnumerable().ToDictionary(StringComparer.OrdinalIgnoreCase));
        return [.. before.Keys.Union(after.Keys, StringComparer.OrdinalIgnoreCase).Where(k => before.GetValueOrDefault(k) != after.GetValueOrDefault(k)).Order(StringComparer.Ordinal)];
    }

    [LoggerMessage(1135, LogLevel.Information, "Settings are read again (generation {Generation}); different are: {Changed}", EventName = "ConfigTaken")]
    private static partial void LogTaken(ILogger log, int generation, string changed);

    [LoggerMessage(1136, LogLevel.Warning, "These settings take effect at the next start: {Settings}", EventName = "ConfigWaits")]
    private static partial void LogWaits(ILogger log, string settings);

    [LoggerMessage(1137, LogLevel.Error, "The changed settings are refused, and those before stay in use: {Reason}", EventName = "ConfigRefused")]
    private static partial void LogRefused(ILogger log, string reason);
}
