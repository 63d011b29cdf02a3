using System.Globalization;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Extender.Decisions;

/// <summary>Answers "why is my pod pending, or where does it run".</summary>
internal sealed class PodExplainer(SchedulingEngine engine, DecisionLog log)
{
    /// <summary>Most reasons that a sentence lists.</summary>
    private const int MostReasons = 3;

    /// <summary>Where a pod stands.</summary>
    public PodStanding Explain(string podNamespace, string name)
    {
        var waiting = log.FindWaiting(podNamespace, name);
        var last = log.List($"{podNamespace}/{name}", null, 1) is [var newest] ? newest : null;
        var pod = engine.Cluster.FindPod(podNamespace, name) ?? waiting?.Pod;
        if (pod is null && last?.Pod is { } seen && engine.Cluster.TryGetAllocation(seen.Uid, out _))
        {
            pod = seen;
        }

        if (pod is null)
        {
            return new PodStanding(PodStanding.Unknown, null, null, null, null, last, null, null, $"No pod {podNamespace}/{name} is known: it ended, is about to appear, or nobody asked about it.");
        }

        if (last is not null && last.Pod?.Uid != pod.Uid)
        {
            last = null; // of an earlier pod of this name
        }

        return Explain(pod, waiting?.Pod.Uid == pod.Uid ? waiting : null, last);
    }

    /// <summary>Where a pod stands that waits.</summary>
    public PodStanding Explain(WaitingPod waiting) => Explain(waiting.Pod, waiting, waiting.Last);

    private PodStanding Explain(PodInfo pod, WaitingPod? waiting, DecisionRecord? last)
    {
        engine.Cluster.TryGetAllocation(pod.Uid, out var held);
        var tentative = held is { State: AllocationState.Tentative } ? held : null;
        held = tentative is null ? held : null;
        var gang = pod.Gang is { Key: var key } ? engine.Gangs?.Find(key.Namespace, key.Name).FirstOrDefault(g => g.Group.Key == key) : null;
        var node = pod.NodeName ?? (held is { State: AllocationState.Committed or AllocationState.Bound or AllocationState.Presumed } ? held.Node : null);
        if (node is not null)
        {
            var since = last is { Kind: DecisionKind.Bind, Error: null } ? last.At : (DateTimeOffset?)null;
            return new PodStanding(PodStanding.Bound, pod, held, null, gang, last, null, since, $"It runs on {node}{DevicesOf(held)}.");
        }

        return new PodStanding(
            PodStanding.Pending, pod, held, tentative, gang, last, waiting?.Last is { Refusals.IsEmpty: false } refused ? refused : null, waiting?.Since ?? pod.Created, Why(pod, gang, held, tentative, waiting?.Last ?? last));
    }

    private static string DevicesOf(Allocation? held) => held switch
    {
        null or { Devices.Devices.IsEmpty: true, State: not AllocationState.Presumed } => "",
        { State: AllocationState.Presumed } => " with devices that nobody named",
        _ => $" with {string.Join(", ", held.Devices.Devices.Select(d => d.Mig is { } mig ? $"MIG {mig.Profile} of GPU {d.Gpu.ToString(CultureInfo.InvariantCulture)}" : $"{(d.IsShare ? "a share of " : "")}GPU {d.Gpu.ToString(CultureInfo.InvariantCulture)}"))}",
    };

    private static string Why(PodInfo pod, GangView? gang, Allocation? held, Allocation? tentative, DecisionRecord? last)
    {
        if (pod.Invalid is { } invalid)
        {
            return $"Its request cannot be understood: {invalid}.";
        }

        if (pod.IsTerminating)
        {
            return "It is being deleted.";
        }

        if (gang is { State: GangState.Waiting or GangState.Invalid or GangState.Unplaced, Reason.Length: > 0 })
        {
            return $"Its gang {gang.Group.Key} {(gang.State == GangState.Waiting ? "waits" : gang.State == GangState.Invalid ? "cannot be used" : "has no place as a whole")}: {gang.Reason.TrimEnd('.')}.";
        }

        if (!pod.SchedulingGates.IsEmpty && last is null)
        {
            return $"Scheduling gates hold it back: {string.Join(", ", pod.SchedulingGates)}.";
        }

        if (held is not null)
        {
            return $"It has a place on {held.Node}{DevicesOf(held)} and is about to be bound.";
        }

        return last is null ? NotAskedAbout(pod) : Why(pod, tentative, last);
    }

    private static string NotAskedAbout(PodInfo pod) =>
        $"{(pod.SchedulerName.Length > 0 ? $"Its scheduler, {pod.SchedulerName}," : "Its kube-scheduler")} has not asked about it{(pod.Created is { } created ? $" since it was made at {Time(created)}" : " yet")}.";

    private static string Why(PodInfo pod, Allocation? tentative, DecisionRecord last)
    {
        if (last is { Kind: DecisionKind.Bind, Error: { } error })
        {
            return $"The bind to {last.Node} was refused: {error.TrimEnd('.')}.";
        }

        if (last.Offered == 0)
        {
            return "kube-scheduler offered no node: its own filters (taints, affinity, quota) had refused all.";
        }

        if (last.Passed > 0)
        {
            var holds = tentative is null
                ? "nothing is held for it at the moment"
                : $"{tentative.Node}{DevicesOf(tentative)} {(tentative.Expires is { } expires ? $"is held for it until {Time(expires)}" : "is held for it")}";
            return string.Create(CultureInfo.InvariantCulture, $"{Nodes(last.Passed)} of {last.Offered} would do at {Time(last.At)}; {holds}; kube-scheduler has not bound it yet.");
        }

        var request = RequestWords.Of(pod);
        var curable = last.Refusals.Where(r => r.ForNow).ToList();
        if (curable.Count == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"None of the {Nodes(last.Offered)} offered can ever take {request}: {List(last.Refusals)}.");
        }

        if (pod.Gang is { Key: var gang } && curable.TrueForAll(r => !r.Curable))
        {
            return $"Its gang {gang} has not got its places: {List(curable)}.";
        }

        var able = curable.Sum(r => r.Nodes);
        var others = last.Offered - able;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Nodes(able)} could take {request}, but now: {List(curable)}{(others > 0 ? $"; the other {others} never can" : "")}.");
    }

    private static string List(IReadOnlyCollection<Refusal> refusals) =>
        refusals.Count == 1
            ? refusals.First().Reason
            : string.Join(", ", refusals.Take(MostReasons).Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Reason} ({r.Nodes})"))) + (refusals.Count > MostReasons ? " and others" : "");

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static string Nodes(int count) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "node" : "nodes")}");
}
