using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Shadow;

/// <summary>
/// A profile that decides alone on a copy of a cluster, and from then on hears what that cluster hears: what would be if this profile served.
/// Nothing that happens here reaches the cluster it was taken from. Not thread-safe.
/// </summary>
/// <remarks>
/// Nodes, reports and statements are as they are there. Pods that were placed when it began stay where they are until they end. Those
/// that want GPUs and come later are decided here and nowhere else, gangs as a whole when they are complete; they hold what they got here until
/// they end there, or their node is gone: then they are decided anew. Pods without GPUs go where they are there. Nobody is preempted, and
/// nothing is kept for those that wait.
/// </remarks>
public sealed class ShadowCluster
{
    /// <summary>Decisions whose time is remembered.</summary>
    public const int MostTimes = 512;

    private static readonly IComparer<ShadowPod> s_mostUrgentFirst =
        Comparer<ShadowPod>.Create((a, b) => a.Priority != b.Priority ? b.Priority.CompareTo(a.Priority) : a.Order.CompareTo(b.Order));

    private readonly SchedulingEngine _engine;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, ShadowPod> _pods = new(StringComparer.Ordinal);
    private readonly SortedSet<ShadowPod> _waiting = new(s_mostUrgentFirst);
    private readonly HashSet<GangKey> _refusedGangs = [];
    private readonly TimeSpan[] _times = new TimeSpan[MostTimes];
    private List<ShadowPod> _decided = [];
    private long _arrived;

    private ShadowCluster(ClusterState cluster, Profile profile, GangOptions? gangs)
    {
        _time = cluster.Time;
        _engine = new SchedulingEngine(cluster, new EngineOptions
        {
            Profile = profile.WithNodeResources().WithNodeDemands(),
            Gangs = gangs is null ? null : gangs with { Observer = null, Preempts = false, KeepForNext = false, ReplaceHold = TimeSpan.Zero, BatchLimit = TimeSpan.Zero },
        });

        // Those that wait have their turn as arrivals, so that a profile that learns learns of them.
        var pending = cluster.Pods.Where(p => p is { NodeName: null, Request.WantsGpu: true }).ToList();
        foreach (var pod in pending)
        {
            cluster.DeletePod(pod.Uid);
        }

        foreach (var pod in pending.OrderByDescending(p => p.Priority).ThenBy(p => p.Namespace, StringComparer.Ordinal).ThenBy(p => p.Name, StringComparer.Ordinal))
        {
            Upsert(pod);
        }
    }

    /// <summary>Its own cluster.</summary>
    public ClusterState Cluster => _engine.Cluster;

    /// <summary>The pods that have arrived since it began, by UID.</summary>
    public IReadOnlyDictionary<string, ShadowPod> Pods => _pods;

    /// <summary>Those of them that have no place.</summary>
    public IReadOnlyCollection<ShadowPod> Waiting => _waiting;

    /// <summary>Pods that it had no place for when they were first decided on, of gangs those of which the gang was refused.</summary>
    public long RefusedPods { get; private set; }

    /// <summary>Gangs that it had no place for at some time.</summary>
    public long RefusedGangs { get; private set; }

    /// <summary>Pods that were decided anew because their node went.</summary>
    public long Displaced { get; private set; }

    /// <summary>Decisions so far: one for a pod, one for a gang, each try counted.</summary>
    public long Decisions { get; private set; }

    /// <summary>How long one takes: the median of the last <see cref="MostTimes"/>; null before the first.</summary>
    public TimeSpan? DecisionTime
    {
        get
        {
            var times = _times.AsSpan(0, (int)Math.Min(Decisions, MostTimes)).ToArray();
            Array.Sort(times);
            return times.Length == 0 ? null : times[times.Length / 2];
        }
    }

    /// <summary>True when something was freed, or added, since <see cref="Retry"/>.</summary>
    public bool CanRetry { get; private set; }

    /// <summary>
    /// Begins one shadow for each profile, all from one copy. Decisions on the cluster itself wait only while references are taken.
    /// </summary>
    /// <param name="live">The cluster.</param>
    /// <param name="profiles">The profiles, as they would serve; engines do not share one.</param>
    /// <param name="gangs">How gangs are planned; null to place their members one by one.</param>
    /// <param name="taken">Called under the lock of the cluster: what its observers hear from then on is to be told here.</param>
    public static ImmutableArray<ShadowCluster> Begin(ClusterState live, IReadOnlyList<Profile> profiles, GangOptions? gangs, Action taken)
    {
        ArgumentNullException.ThrowIfNull(live);
        ArgumentNullException.ThrowIfNull(profiles);
        ArgumentNullException.ThrowIfNull(taken);
        var copy = live.Copy(settled: true, taken);
        return [.. profiles.Select((profile, i) => new ShadowCluster(i == profiles.Count - 1 ? copy : copy.Copy(), profile, gangs))];
    }

    /// <summary>Makes a change that the other cluster has heard of from outside.</summary>
    public void Apply(ClusterChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        switch (change.Kind)
        {
            case ClusterChangeKind.Expire:
                // Nothing that is held here expires.
                break;
            case ClusterChangeKind.UpsertReport or ClusterChangeKind.ReplaceReports:
                ApplyFacts(change with { Reports = change.Reports!.ToDictionary(r => r.Key, r => r.Value with { Held = [] }, StringComparer.Ordinal) });
                break;
            case ClusterChangeKind.UpsertPod:
                Upsert(change.Pods!.Single());
                break;
            case ClusterChangeKind.DeletePod:
                End(change.Name!);
                break;
            case ClusterChangeKind.ReplacePods:
                Replace(change.Pods!);
                break;
            case ClusterChangeKind.DeleteNode or ClusterChangeKind.ReplaceNodes:
                ApplyFacts(change);
                Displace();
                break;
            default:
                ApplyFacts(change);
                break;
        }
    }

    /// <summary>As <see cref="Apply(ClusterChange)"/>, for what declares groups of pods.</summary>
    public void Apply(GroupObjectChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        change.ApplyTo(Cluster);
        CanRetry = true;
    }

    /// <summary>A pod has arrived, and is decided. Nothing happens for one that is known, or that asks for no GPU.</summary>
    public void Arrive(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        if (_pods.ContainsKey(pod.Uid) || !pod.WaitsForGpus || Cluster.TryGetPod(pod.Uid, out _))
        {
            return;
        }

        var arrival = new ShadowPod(pod, _arrived++);
        _pods[pod.Uid] = arrival;
        _waiting.Add(arrival);
        Try(arrival);
    }

    /// <summary>
    /// Tries again those that have no place, the most urgent first, then the first that came. One for whose like there was no room is not
    /// asked about again, since nothing is freed meanwhile: the work is bounded by the number of different requests that wait.
    /// </summary>
    /// <param name="enough">Asked now and then whether to leave the rest for the next time; null for never.</param>
    public void Retry(Func<bool>? enough = null)
    {
        if (!CanRetry)
        {
            return;
        }

        CanRetry = false;
        var refused = new HashSet<ScoreKey>();
        var gangs = new HashSet<GangKey>();
        foreach (var pod in _waiting.ToList())
        {
            if (pod.Node is not null || !pod.Pod.WaitsForGpus)
            {
                continue;
            }

            if (enough?.Invoke() == true)
            {
                CanRetry = true;
                return;
            }

            if (IsOfGang(pod.Pod))
            {
                if (gangs.Add(pod.Pod.Gang!.Key))
                {
                    TryGang(pod.Pod.Gang.Key);
                }
            }
            else
            {
                var shape = new ScoreKey(pod.Pod.Request, pod.Pod.CpuMilli, pod.Pod.MemoryBytes, pod.Pod.Demands, Data: null);
                if (!refused.Contains(shape) && !TryOne(pod))
                {
                    refused.Add(shape);
                }
            }
        }
    }

    /// <summary>The pods that got a place, or were refused for the first time, since it was asked last.</summary>
    public IReadOnlyList<ShadowPod> TakeDecided()
    {
        var decided = _decided;
        if (decided.Count > 0)
        {
            _decided = [];
        }

        return decided;
    }

    /// <summary>Kubelets touch their nodes every few minutes: most such changes say nothing new.</summary>
    private void ApplyFacts(ClusterChange change)
    {
        var before = Cluster.Current.FactsVersion;
        change.ApplyTo(Cluster);
        CanRetry |= Cluster.Current.FactsVersion != before;
    }

    private bool IsOfGang(PodInfo pod) => _engine.Gangs?.Owns(pod) == true;

    private void Upsert(PodInfo pod)
    {
        if (pod.IsTerminal)
        {
            End(pod.Uid);
        }
        else if (_pods.TryGetValue(pod.Uid, out var known))
        {
            // Most changes are that it was bound there, and are nothing new here: then nothing is kept of them.
            var before = known.Pod;
            if (pod.IsTerminating != before.IsTerminating || pod.SchedulingGates.Length != before.SchedulingGates.Length || !Equals(pod.Gang, before.Gang))
            {
                // What a pod asks of nodes is no longer told once it is bound there; here it may still wait.
                known.Pod = pod.OffItsNode() with { Demands = pod.Demands ?? before.Demands, Containers = pod.Containers.IsEmpty ? before.Containers : pod.Containers };
                Show(known);
            }
        }
        else if (!pod.Request.WantsGpu)
        {
            Cluster.UpsertPod(pod);
        }
        else if (Cluster.TryGetPod(pod.Uid, out var there))
        {
            // It was placed when all this began, and stays so.
            Cluster.UpsertPod(pod with { NodeName = there.NodeName, Assignment = there.Assignment, AssignmentError = there.AssignmentError, PeerAssignment = there.PeerAssignment });
        }
        else
        {
            // One that the gate of others holds back comes again when it is gone.
            Arrive(pod.OffItsNode());
        }
    }

    private void Replace(IReadOnlyCollection<PodInfo> pods)
    {
        var listed = pods.Select(p => p.Uid).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in Cluster.Pods.Where(p => !listed.Contains(p.Uid)).ToList())
        {
            End(gone.Uid);
        }

        foreach (var pod in pods)
        {
            Upsert(pod);
        }
    }

    private void End(string uid)
    {
        if (_pods.Remove(uid, out var pod))
        {
            _waiting.Remove(pod);
            CanRetry |= pod.Node is not null;
        }
        else
        {
            CanRetry = true;
        }

        Cluster.DeletePod(uid);
        if (pod?.Pod.Gang is { Key: var key } && Cluster.FindGroup(key) is null)
        {
            _refusedGangs.Remove(key);
        }
    }

    /// <summary>Pods whose node is gone wait again, as those that their controllers make in their place would.</summary>
    private void Displace()
    {
        var index = Cluster.Current.Index;
        foreach (var pod in _pods.Values.Where(p => p.Node is { } node && index.Find(node) < 0).ToList())
        {
            Cluster.DeletePod(pod.Pod.Uid);
            pod.Node = null;
            Displaced++;
            _waiting.Add(pod);
            Show(pod);
            CanRetry = true;
        }
    }

    /// <summary>Has the cluster know a pod as a watch would show it.</summary>
    private void Show(ShadowPod pod)
    {
        if (pod.Node is null)
        {
            Cluster.UpsertPod(pod.Pod);
        }
        else if (Cluster.TryGetAllocation(pod.Pod.Uid, out var held))
        {
            Cluster.UpsertPod(pod.Pod with { NodeName = pod.Node, Assignment = held.Devices, SchedulingGates = [] });
        }
    }

    private void Try(ShadowPod pod)
    {
        if (IsOfGang(pod.Pod))
        {
            _engine.Announce(pod.Pod);
            TryGang(pod.Pod.Gang!.Key);
        }
        else
        {
            TryOne(pod);
        }
    }

    private bool TryOne(ShadowPod pod)
    {
        var start = _time.GetTimestamp();
        var decision = _engine.Schedule(pod.Pod);
        Count(start);
        if (decision.Allocation is { } allocation)
        {
            Place(pod, allocation);
            return true;
        }

        // A profile that learns has made it known, and once; with one that does not, it would not be among the pods that wait.
        Cluster.Introduce(pod.Pod);
        Refuse(pod);
        return false;
    }

    private void TryGang(GangKey key)
    {
        if (Cluster.FindGroup(key) is not { Standing: PodGroupStanding.Complete } group)
        {
            return;
        }

        var start = _time.GetTimestamp();
        var plan = _engine.Gangs!.Run(key);
        Count(start);
        if (!plan.IsPlaced && _refusedGangs.Add(key))
        {
            RefusedGangs++;
        }

        foreach (var member in group.Members)
        {
            if (_pods.GetValueOrDefault(member.Uid) is not { Node: null } waiting)
            {
                continue;
            }

            if (Cluster.TryGetAllocation(member.Uid, out var held) && held.State == AllocationState.Bound)
            {
                Place(waiting, held);
            }
            else
            {
                Refuse(waiting);
            }
        }
    }

    private void Count(long start)
    {
        _times[Decisions++ % MostTimes] = _time.GetElapsedTime(start);
    }

    private void Place(ShadowPod pod, Allocation allocation)
    {
        pod.Node = allocation.Node;
        _waiting.Remove(pod);
        Show(pod);
        _decided.Add(pod);
    }

    private void Refuse(ShadowPod pod)
    {
        if (!pod.WasRefused)
        {
            pod.WasRefused = true;
            RefusedPods++;
            _decided.Add(pod);
        }
    }
}
