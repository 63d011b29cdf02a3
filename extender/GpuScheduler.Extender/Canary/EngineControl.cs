using System.Diagnostics.Metrics;
using System.Globalization;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Trials;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Kubernetes.Recordings;

namespace GpuScheduler.Extender.Canary;

/// <summary>Has the engine decide by the settings in use, watches the canary, and withdraws it when it does worse than it may.</summary>
/// <remarks>
/// What it knows of a canary it keeps in memory: with several replicas the one that leads decides and judges. Another that takes over begins
/// anew, also with a canary that was withdrawn before it led, and withdraws it again after as many pods: nothing but time is lost by that.
/// </remarks>
internal sealed partial class EngineControl
{
    private readonly Lock _gate = new();
    private readonly SchedulingEngine _engine;
    private readonly ExtenderMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Recorder? _recorder;
    private readonly SettingsInUse _settings;
    private volatile CanaryState? _canary;

    public EngineControl(SchedulingEngine engine, SettingsInUse settings, ExtenderMetrics metrics, TimeProvider time, ILogger<EngineControl> log, Recorder? recorder = null)
    {
        (_engine, _settings, _metrics, _time, _log, _recorder) = (engine, settings, metrics, time, log, recorder);
        metrics.Observe("gpu_scheduler.canary.active", "", "1 while a canary serves, 0 when it was withdrawn.", () => _canary is not { } canary
            ? []
            : [new Measurement<double>(canary.Withdrawn is null ? 1 : 0, new KeyValuePair<string, object?>("profile", canary.Options.Profile))]);
        if (settings.Options.Canary.IsSet)
        {
            Apply(settings.Options);
        }
    }

    /// <summary>The canary; null when none is set.</summary>
    public CanaryState? Canary => _canary;

    /// <summary>
    /// Settings take the place of others. A canary goes on, or stays withdrawn, as long as its settings and those of its profile stay the
    /// same; else it begins anew.
    /// </summary>
    public void Apply(ExtenderOptions options)
    {
        lock (_gate)
        {
            _settings.Options = options;
            if (!options.Canary.IsSet)
            {
                _canary = null;
            }
            else if (KeyOf(options) is var key && _canary?.Key != key)
            {
                _canary = new CanaryState(key, options.Canary, options.Profiles[options.Canary.Profile].Policy, new CanaryJudge(options.Canary.Limits, _time), _time.GetUtcNow());
                LogBegins(_log, options.Canary.Profile, options.Canary.Share.ToString("P0", CultureInfo.InvariantCulture), options.Canary.Namespaces);
            }

            Set(options);
        }
    }

    /// <summary>A pod was filtered.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="profile">Which profile decided, of two.</param>
    /// <param name="refused">True when no node will do.</param>
    /// <param name="took">How long it took.</param>
    public void Filtered(PodInfo pod, string profile, bool refused, TimeSpan took)
    {
        _metrics.ProfileDecided(profile, refused ? Outcome.Unschedulable : Outcome.Ok, took);
        var byBase = profile == Profile.BaseName;
        if (_canary is not { Withdrawn: null } canary || !(byBase || profile == canary.Options.Profile))
        {
            return; // or it was decided by a canary that is another by now
        }

        var verdict = canary.Judge.Decided(pod, !byBase, refused, took, out var isFirst);
        if (isFirst)
        {
            _metrics.ProfilePod(profile, refused ? Outcome.Unschedulable : Outcome.Ok);
        }

        if (verdict != CanaryVerdict.GoesOn)
        {
            Withdraw(canary, verdict);
        }
    }

    private void Withdraw(CanaryState canary, CanaryVerdict verdict)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(_canary, canary))
            {
                return; // somebody was faster, or it is another by now
            }

            var figures = canary.Judge.Figures;
            var why = Words(verdict, figures, canary.Judge.Limits);
            _canary = canary with { Withdrawn = new CanaryWithdrawal(_time.GetUtcNow(), verdict, why, figures) };
            Set(_settings.Options);
            _metrics.CanaryWithdrawn(verdict == CanaryVerdict.Refuses ? "refusals" : "latency");
            LogWithdrawn(_log, canary.Options.Profile, why);
        }
    }

    private void Set(ExtenderOptions options)
    {
        var canary = _canary is { Withdrawn: null } ? options.Canary.Of(options.Profiles) : null;
        using var turn = Recorder.Turn(_recorder);
        var present = _engine.Options;
        var gangs = options.Gangs.Over(present.Gangs);
        _recorder?.Changing(new RecordedSettings(options.Engine.Weights, options.Engine.AnswerOneNode, options.Holds) { Canary = canary, Gangs = gangs });
        _engine.Cluster.Holds = options.Holds;
        _engine.Apply(ServiceProfiles.Change(present with { Gangs = gangs }, options.Engine.Weights, options.Engine.AnswerOneNode, canary));
    }

    /// <summary>All that makes a canary what it is, the limits included: who changes one of them wants it tried again.</summary>
    private static string KeyOf(ExtenderOptions options) => string.Join('\n', SettingsTable.Of(options).Values
        .Where(s => s.Name.StartsWith("Canary:", StringComparison.Ordinal) || s.Name.StartsWith($"Profiles:{options.Canary.Profile}:", StringComparison.Ordinal))
        .Select(s => $"{s.Name}={s.Value}"));

    private static string Words(CanaryVerdict verdict, in CanaryFigures figures, CanaryLimits limits) => verdict == CanaryVerdict.Refuses
        ? string.Create(CultureInfo.InvariantCulture, $"it refused {figures.CanaryRefused} of {figures.CanaryPods} pods at first, the other profile {figures.BaseRefused} of {figures.BasePods}; among pods that ask for as much that is {figures.Increase:P1} more, and {limits.MaxRefusalIncrease:P1} is allowed")
        : string.Create(CultureInfo.InvariantCulture, $"{figures.Slow} of {figures.Decisions} decisions took longer than {limits.MaxLatency.TotalMilliseconds} ms, and one of a hundred is allowed");

    [LoggerMessage(1130, LogLevel.Information, "Canary {Profile} begins: it serves {Share} of the namespaces, and these: {Namespaces}", EventName = "CanaryBegins")]
    private static partial void LogBegins(ILogger log, string profile, string share, string namespaces);

    [LoggerMessage(1131, LogLevel.Warning, "Canary {Profile} is withdrawn: {Why}", EventName = "CanaryWithdrawn")]
    private static partial void LogWithdrawn(ILogger log, string profile, string why);
}
