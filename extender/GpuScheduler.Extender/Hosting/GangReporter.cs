using System.Net;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Hosting;

/// <summary>
/// Looks at all gangs once a second and says on the API what has changed: an event when a gang comes to stand otherwise, and the status of
/// its group object. Nothing depends on it: what cannot be written is left out, and what is not allowed is not tried again.
/// </summary>
internal sealed partial class GangReporter(SchedulingEngine engine, IGangAnnouncer announcer, Readiness readiness, ExtenderOptions options, TimeProvider time, ILogger<GangReporter> log) : BackgroundService
{
    /// <summary>Most calls in a second, for events and for status each.</summary>
    private const int MostCalls = 20;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>How soon the same reason may be given again for a gang, with other words: members that arrive are not counted aloud.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(30);

    private readonly Dictionary<GangKey, Said> _said = [];
    private readonly HashSet<string> _forbidden = new(StringComparer.Ordinal);

    private bool _hasLooked;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (readiness.IsActive && engine.Gangs is { } gangs)
            {
                await ReportAsync(gangs.List(), stoppingToken);
            }
        }
    }

    /// <summary>Says what is new of these gangs, which are all there are.</summary>
    internal async Task ReportAsync(IReadOnlyCollection<GangView> gangs, CancellationToken cancellation)
    {
        var (events, statuses) = (MostCalls, MostCalls);
        foreach (var gang in gangs)
        {
            if (!_said.TryGetValue(gang.Group.Key, out var said))
            {
                // Gangs that run when the process begins are none that something happened to; later ones came to run between two looks.
                _said[gang.Group.Key] = said = new Said { State = gang.State, Reason = !_hasLooked && gang.State == GangState.Running ? Reasons.Placed : "" };
            }

            if (options.Gangs.Events && events > 0 && await SayAsync(gang, said, cancellation))
            {
                events--;
            }

            if (options.Gangs.Status && statuses > 0 && await SetStatusAsync(gang, said, cancellation))
            {
                statuses--;
            }
        }

        _hasLooked = true;
        var present = gangs.Select(g => g.Group.Key).ToHashSet();
        foreach (var key in _said.Keys.Where(k => !present.Contains(k)).ToList())
        {
            _said.Remove(key);
        }
    }

    private async Task<bool> SayAsync(GangView gang, Said said, CancellationToken cancellation)
    {
        var lost = said.State is GangState.Planned or GangState.Binding && gang.State is GangState.Waiting or GangState.Unplaced or GangState.Invalid;
        var (reason, note, isWarning) = gang.State switch
        {
            _ when lost => (Reasons.Released, gang.History.LastOrDefault()?.What ?? gang.Reason, true),
            GangState.Waiting => (Reasons.Waiting, gang.Reason, false),
            GangState.Invalid => (Reasons.Invalid, gang.Reason, true),
            GangState.Unplaced => (Reasons.Unplaced, gang.Reason, true),
            _ => (Reasons.Placed, gang.Plan is { IsPlaced: true } plan ? $"all that it needs have a place{(gang.Domain.Length > 0 ? $" in {gang.Domain}" : "")}: {plan.Proof}" : "all that it needs have a place", false),
        };
        var isNew = reason != said.Reason || (reason != Reasons.Placed && note != said.Note && time.GetUtcNow() - said.At >= s_again);
        if (!isNew || note.Length == 0 || _forbidden.Contains("events"))
        {
            return false;
        }

        var first = gang.Group.Members.FirstOrDefault();
        var declared = gang.Group.Object is { } id ? engine.Cluster.FindGroupObject(id) : null;
        if (first is null && declared is null)
        {
            return false;
        }

        (said.State, said.Reason, said.Note, said.At) = (gang.State, reason, note, time.GetUtcNow());
        await TryAsync("events", () => announcer.SayAsync(
            new GangNotice(gang.Group.Key.Namespace, declared?.Id, first?.Name ?? "", declared is { Uid.Length: > 0 } ? declared.Uid : first?.Uid ?? "", reason, $"gang {gang.Group.Key}: {note}", isWarning), cancellation));
        return true;
    }

    private async Task<bool> SetStatusAsync(GangView gang, Said said, CancellationToken cancellation)
    {
        if (gang.Group.Object is not { } id || !announcer.HasStatus(id.Kind) || _forbidden.Contains(id.Kind) || engine.Cluster.FindGroupObject(id) is null)
        {
            return false;
        }

        var bound = gang.Group.Members.Count(m => m.NodeName is not null);
        var status = (gang.State, bound, gang.Reason);
        if (said.Status == status)
        {
            return false;
        }

        if (await TryAsync(id.Kind, () => announcer.SetStatusAsync(id, gang.State, bound, gang.Reason, cancellation)))
        {
            said.Status = status;
        }

        return true;
    }

    private async Task<bool> TryAsync(string what, Func<Task> call)
    {
        try
        {
            await call();
            return true;
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.Forbidden)
        {
            _forbidden.Add(what);
            LogForbidden(log, what, e.Message);
        }
        catch (KubernetesApiException e)
        {
            LogFailed(log, what, e.Message);
        }

        return false;
    }

    [LoggerMessage(1048, LogLevel.Warning, "Not allowed to write {What} of gangs; it is not tried again before a restart (switches: Gangs:Events, Gangs:Status). {Why}", EventName = "GangReportForbidden")]
    private static partial void LogForbidden(ILogger log, string what, string why);

    [LoggerMessage(1049, LogLevel.Debug, "Writing {What} of a gang failed: {Why}", EventName = "GangReportFailed")]
    private static partial void LogFailed(ILogger log, string what, string why);

    private static class Reasons
    {
        public const string Waiting = "GangWaiting";
        public const string Invalid = "GangInvalid";
        public const string Unplaced = "GangUnplaced";
        public const string Placed = "GangPlaced";
        public const string Released = "GangReleased";
    }

    /// <summary>What was said of a gang last.</summary>
    private sealed class Said
    {
        public GangState State { get; set; }

        public string Reason { get; set; } = "";

        public string Note { get; set; } = "";

        public DateTimeOffset At { get; set; }

        public (GangState State, int Bound, string Reason)? Status { get; set; }
    }
}
