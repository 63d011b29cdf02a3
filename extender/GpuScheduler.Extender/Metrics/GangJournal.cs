using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Extender.Observability;

namespace GpuScheduler.Extender.Metrics;

/// <summary>Writes what happens to gangs into the log, the metrics, the decisions and the traces.</summary>
internal sealed partial class GangJournal(ExtenderMetrics metrics, ILogger<GangJournal> log, ClusterState cluster, IDecisionRecorder decisions, PodTraces? traces = null) : IGangObserver
{
    public void Planned(GangKey gang, GangPlan plan, TimeSpan took)
    {
        metrics.GangPlanned(plan.Proof.Status.ToString().ToLowerInvariant(), plan.Proof.Method, plan.IsPlaced ? plan.Proof.GapPercent : null, took);
        decisions.Planned(gang, plan, cluster.Current.Generation);
        traces?.GangPlanned(gang, plan.Proof, took);
        if (plan.IsPlaced)
        {
            LogPlanned(log, gang, plan.Proof, took.TotalMilliseconds);
        }
        else
        {
            LogNoPlace(log, gang, plan.Proof);
        }
    }

    public void Opened(GangKey gang, int members, TimeSpan waited)
    {
        traces?.GangOpened(gang, members, waited);
        LogOpened(log, gang, members, waited.TotalSeconds);
    }

    public void Released(GangKey gang, string why)
    {
        metrics.GangReleased();
        decisions.Released(gang, why, cluster.Current.Generation);
        traces?.GangReleased(gang, why);
        LogReleased(log, gang, why);
    }

    [LoggerMessage(1040, LogLevel.Information, "Gang {Gang} is planned: {Proof}, in {Milliseconds:F1} ms", EventName = "GangPlanned")]
    private static partial void LogPlanned(ILogger log, GangKey gang, Proof proof, double milliseconds);

    [LoggerMessage(1041, LogLevel.Debug, "Gang {Gang} has no place: {Proof}", EventName = "GangNoPlace")]
    private static partial void LogNoPlace(ILogger log, GangKey gang, Proof proof);

    [LoggerMessage(1042, LogLevel.Information, "{Members} members of gang {Gang} go on to be bound, {Seconds:F2} s after the first of them came", EventName = "GangOpened")]
    private static partial void LogOpened(ILogger log, GangKey gang, int members, double seconds);

    [LoggerMessage(1043, LogLevel.Warning, "Gang {Gang} gave back all its places: {Why}", EventName = "GangReleased")]
    private static partial void LogReleased(ILogger log, GangKey gang, string why);
}
