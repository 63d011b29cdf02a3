using System.Buffers;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Plugins;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// Decides: which nodes will do, which is best, whom to remove, which devices. HTTP, gRPC, simulator and tests call this and
/// nothing else. Thread-safe.
/// </summary>
/// <remarks>
/// Correctness lives in <see cref="Filter(PodInfo, Snapshot, ReadOnlySpan{int}, Span{Status})"/> and <see cref="Promise"/>; <see cref="Prioritize"/> only orders, since kube-scheduler
/// skips it when one node is left and ignores its errors. Nothing here writes to the API.
/// </remarks>
public sealed class SchedulingEngine
{
    /// <summary>kube-scheduler's MaxExtenderPriority: the score of the best node.</summary>
    public const int MaxScore = 10;

    private readonly Lock _applying = new();
    private readonly ArrivedPods _arrived = new();
    private volatile Deciders _deciders;

    /// <summary>An engine on a cluster.</summary>
    public SchedulingEngine(ClusterState cluster, EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentNullException.ThrowIfNull(options);
        Cluster = cluster;
        _deciders = new Deciders(cluster, options);
        Gangs = options.Gangs is null ? null : new GangScheduler(cluster, _deciders);
    }

    /// <summary>The cluster that it decides on.</summary>
    public ClusterState Cluster { get; }

    /// <summary>The plans of gangs; null when members of gangs are placed one by one.</summary>
    public GangScheduler? Gangs { get; }

    /// <summary>How it decides at present.</summary>
    public EngineOptions Options => _deciders.Options;

    /// <summary>
    /// Decides by other settings from the next decision on; those in between finish with what they began with. What is held stays held, and
    /// profiles that stay the same keep their scores. A pod that was offered by one profile may be bound by another: what it is promised is
    /// decided at bind.
    /// </summary>
    /// <exception cref="ArgumentException">Whether gangs are planned would change: that is settled at the start.</exception>
    public void Apply(EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Gangs is null != Gangs is null)
        {
            throw new ArgumentException("whether gangs are planned is settled at the start", nameof(options));
        }

        lock (_applying)
        {
            var deciders = new Deciders(Cluster, options, _deciders);
            Gangs?.Apply(deciders);
            _deciders = deciders;
        }
    }

    /// <summary>Name of the profile that decides for the pods of a namespace; null when one decides for all.</summary>
    public string? ProfileFor(string podNamespace)
    {
        var deciders = _deciders;
        return deciders.Options.Canary is null ? null : deciders.NameOf(deciders.For(podNamespace));
    }

    /// <summary>
    /// An engine that decides alone, by the same policy, on a copy of the cluster: what happens there happens nowhere else. It checks CPU and
    /// memory as well, removes nobody, and keeps nothing for anybody.
    /// </summary>
    internal SchedulingEngine Rehearse() => new(Cluster.Copy(), new EngineOptions
    {
        Profile = Alone(Options.Profile),
        Canary = Options.Canary is { } canary ? canary with { Profile = Alone(canary.Profile) } : null,
        KeepScores = false,
        Gangs = (Options.Gangs ?? new GangOptions()) with { Observer = null, Preempts = false, KeepForNext = false, ReplaceHold = TimeSpan.Zero, BatchLimit = TimeSpan.Zero },
    });

    private static Profile Alone(Profile profile) =>
        (profile.Filters.Any(f => f is NodeResourcesFit) ? profile : profile.WithNodeResources()) with { Observer = null };

    /// <summary>The filters of this engine, asked about a node as it stands alone.</summary>
    internal Status Judge(PodInfo pod, NodeInfo node) => _deciders.For(pod).Evaluator.Judge(new CycleState(pod), node);

    /// <summary>
    /// Says for each candidate whether the pod may go there. Asked twice, the answer is the same: what the pod itself holds is free
    /// to it. When one node is left, it is held tentatively, because kube-scheduler does not ask for scores then.
    /// </summary>
    /// <remarks>
    /// Nodes that only another pod's tentative hold takes away are refused as long as some other node will do. When none will, they
    /// are let through: the hold may well be on the wrong node, and bind decides.
    /// </remarks>
    /// <param name="pod">The pod; its request must be understood (<see cref="PodInfo.Invalid"/> is null).</param>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="candidates">Positions of the nodes, -1 for a node that is not known.</param>
    /// <param name="statuses">Receives a status for each candidate.</param>
    /// <returns>How many passed.</returns>
    public int Filter(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, Span<Status> statuses) => Filter(pod, snapshot, candidates, statuses, out _);

    /// <summary>As the other, and says which profile decided.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="candidates">Positions of the nodes.</param>
    /// <param name="statuses">Receives a status for each candidate.</param>
    /// <param name="profile">Receives the name of the profile; null when one decides for all.</param>
    public int Filter(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, Span<Status> statuses, out string? profile)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(snapshot);
        var deciders = _deciders;
        var decider = deciders.For(pod);
        profile = deciders.NameOf(decider);
        if (Gangs?.Admit(pod, snapshot, candidates) is { } refusal)
        {
            Refuse(decider, pod, snapshot, candidates, statuses, refusal);
            return 0;
        }

        var wantsGpu = pod.Request.WantsGpu;
        if (wantsGpu && deciders.Learns)
        {
            deciders.Observe(pod, _arrived.IsNew(pod.Uid), snapshot);
        }

        var state = new CycleState(pod);
        var own = OwnHold(pod, snapshot);
        var kept = wantsGpu && !own.Decided ? KeptFrom(pod) : null;
        var (passed, last, turnedAway) = JudgeAll(decider, state, snapshot, own, kept, candidates, null, statuses);
        if (passed == 0 && turnedAway)
        {
            Gangs!.TurnedAway(pod);
        }

        if (!wantsGpu || passed == 0 || own.Decided)
        {
            return passed;
        }

        if (deciders.Options.AnswerOneNode && passed > 1)
        {
            last = KeepBest(decider, state, snapshot, own, candidates, statuses);
            passed = 1;
        }

        if (passed == 1)
        {
            Cluster.Hold(pod, snapshot.Nodes[candidates[last]]!.Facts.Name, decider.Profile.CardOrder);
        }

        return passed;
    }

    /// <summary>
    /// Answers as <see cref="Filter(PodInfo, Snapshot, ReadOnlySpan{int}, Span{Status})"/> would, and leaves no trace: nothing is held, planned or learned, however often it is asked. For those
    /// who only wonder, such as a simulator of an autoscaler.
    /// </summary>
    /// <remarks>
    /// All nodes that will do are named, also with <see cref="EngineOptions.AnswerOneNode"/>. The member of a gang is refused as in
    /// <see cref="Filter(PodInfo, Snapshot, ReadOnlySpan{int}, Span{Status})"/> while the gang is not complete, goes where it has its place if it has one, and is judged by itself otherwise:
    /// who adds nodes one by one could not begin if each had to have room for all.
    /// </remarks>
    /// <param name="pod">The pod; its request must be understood.</param>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="candidates">Positions of the nodes, -1 for a node that is not known.</param>
    /// <param name="templates">What is to be believed of those that are not known, in their order.</param>
    /// <param name="statuses">Receives a status for each candidate.</param>
    /// <returns>How many passed.</returns>
    public int Simulate(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, IReadOnlyList<TemplateNode> templates, Span<Status> statuses)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(snapshot);
        if (Gangs?.Foresee(pod) is { } refusal)
        {
            statuses.Fill(refusal);
            return 0;
        }

        var own = OwnHold(pod, snapshot);
        var kept = pod.Request.WantsGpu && !own.Decided && Gangs?.Owns(pod) == false ? Gangs.KeptNow(pod) : null;
        return JudgeAll(_deciders.For(pod), new CycleState(pod), snapshot, own, kept, candidates, templates, statuses).Passed;
    }

    /// <summary>Answers as <see cref="Prioritize"/> would, and leaves no trace; see <see cref="Simulate"/>.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="candidates">Positions of the nodes, -1 for a node that is not known.</param>
    /// <param name="templates">What is to be believed of those that are not known, in their order.</param>
    /// <param name="scores">Receives a score for each candidate.</param>
    public void SimulateScores(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, IReadOnlyList<TemplateNode> templates, Span<int> scores)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(templates);
        var decider = _deciders.For(pod);
        var state = new CycleState(pod);
        var own = OwnHold(pod, snapshot);
        var exact = ArrayPool<double>.Shared.Rent(candidates.Length);
        var unknown = 0;
        for (var i = 0; i < candidates.Length; i++)
        {
            exact[i] = candidates[i] >= 0 ? ScoreAt(decider, state, snapshot, own, candidates[i])
                : templates[unknown++].Node is { } node && state.AllowsModelOf(node.Facts) ? decider.Evaluator.Score(state, node)
                : Best.NoScore;
        }

        if (Show(decider, pod, candidates, exact, scores) is { Index: >= 0 and var index } && pod.Request.WantsGpu)
        {
            scores[index] = MaxScore;
        }

        ArrayPool<double>.Shared.Return(exact);
    }

    /// <summary>
    /// Scores the candidates: the best one gets <see cref="MaxScore"/> and is held tentatively; the others get 0 to 9 by the
    /// weighted mean of the score plugins, rounded down. One best node, not several: so that the pod goes where the hold is. Among
    /// equals it is the first by position. For a pod without GPUs nothing is held, and as many nodes may be best as the plugins find
    /// equally good.
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="candidates">Positions of the nodes; those that are not known, or no longer fit, get 0.</param>
    /// <param name="scores">Receives a score for each candidate.</param>
    public void Prioritize(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, Span<int> scores)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(snapshot);
        var decider = _deciders.For(pod);
        var state = new CycleState(pod);
        var own = OwnHold(pod, snapshot);
        var exact = ArrayPool<double>.Shared.Rent(candidates.Length);
        ScoreAll(decider, state, snapshot, own, candidates, exact);
        var best = Show(decider, pod, candidates, exact, scores);
        ArrayPool<double>.Shared.Return(exact);
        if (best.Index >= 0 && pod.Request.WantsGpu)
        {
            scores[best.Index] = MaxScore;
            Cluster.Hold(pod, snapshot.Nodes[best.Position]!.Facts.Name, decider.Profile.CardOrder);
        }
    }

    /// <summary>
    /// A pod has arrived: a policy that learns from arrivals learns of it, once however often it is announced or decided on.
    /// <see cref="Schedule"/> does this itself; it is for pods that wait for their turn.
    /// </summary>
    public void Announce(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        if (Cluster.Introduce(pod))
        {
            _deciders.Observe(pod, true, Cluster.Current);
        }
    }

    /// <summary>
    /// Decides for a pod on the whole cluster, without kube-scheduler: every node is filtered and scored, the best one wins, and the
    /// pod runs there (<see cref="ClusterState.Run"/>) until <see cref="ClusterState.DeletePod"/>. A pod that holds devices already
    /// stays where it is. As in <see cref="Filter(PodInfo, Snapshot, ReadOnlySpan{int}, Span{Status})"/>, nodes that only a tentative hold takes away are second choice.
    /// </summary>
    /// <param name="pod">The pod. Asked again for a pod that found no node, it tries again.</param>
    /// <exception cref="ArgumentException">The pod's request cannot be understood (<see cref="PodInfo.Invalid"/>).</exception>
    public Decision Schedule(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        if (pod.Invalid is { } why)
        {
            throw new ArgumentException($"pod {pod}: {why}", nameof(pod));
        }

        if (_deciders is { Learns: true } deciders)
        {
            deciders.Observe(pod, Cluster.Introduce(pod), Cluster.Current);
        }

        if (Cluster.TryGetAllocation(pod.Uid, out var hold) && hold.State == AllocationState.Tentative)
        {
            Cluster.Abandon(pod.Uid);
        }

        var (snapshot, score) = (Cluster.Current, 0.0);
        if (!Cluster.TryGetAllocation(pod.Uid, out var allocation) && (allocation = PromiseBest(pod, out snapshot, out score)) is not null)
        {
            Cluster.Run(pod.Uid);
        }

        return new Decision(snapshot, allocation, score, () => CountVerdicts(pod, snapshot));
    }

    /// <summary>
    /// As <see cref="Schedule"/>, for all members of a gang: they run, or none of them does. An engine with <see cref="Gangs"/> plans
    /// them together; one without places one after the other by its scores, and takes all back when one finds no node.
    /// </summary>
    /// <param name="members">All members of one gang (<see cref="PodInfo.Gang"/>), none of which holds anything.</param>
    /// <returns>The plan, with its proof; without an optimum to compare with, its proof says that nothing is known.</returns>
    /// <exception cref="ArgumentException">They are not one gang, or a request cannot be understood.</exception>
    public GangPlan ScheduleGang(IReadOnlyList<PodInfo> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        if (members.Count == 0 || members[0].Gang is not { Key: var key } || members.Any(m => m.Gang?.Key != key))
        {
            throw new ArgumentException("all pods have to be members of one gang", nameof(members));
        }

        if (members.FirstOrDefault(m => m.Invalid is not null) is { } faulty)
        {
            throw new ArgumentException($"pod {faulty}: {faulty.Invalid}", nameof(members));
        }

        foreach (var member in members)
        {
            Announce(member);
        }

        if (Gangs is not null && members.Count > 1)
        {
            return Gangs.Run(key);
        }

        var placed = 0;
        while (placed < members.Count && PromiseBest(members[placed], out _, out _) is not null)
        {
            placed++;
        }

        foreach (var member in members.Take(placed))
        {
            if (placed == members.Count)
            {
                Cluster.Run(member.Uid);
            }
            else
            {
                Cluster.Abandon(member.Uid);
            }
        }

        return new GangPlan
        {
            Proof = placed == members.Count
                ? new Proof(ProofStatus.Feasible, "one by one", members.Count, long.MaxValue, "", TimeSpan.Zero)
                : new Proof(ProofStatus.Undecided, "one by one", 0, 0, $"no node for {members[placed].Name} beside {placed} members", TimeSpan.Zero),
        };
    }

    /// <summary>
    /// Completes the victims that kube-scheduler chose, which counts devices but does not know them. Nodes on which even the removal
    /// of every pod of lower priority frees no fitting devices are dropped, and so are those on which nothing needs to be removed
    /// (kube-scheduler up to 1.20 crashes on an empty list). Where its victims are too few, pods of lower priority are added: all,
    /// less those that can stay, the highest priorities spared first.
    /// </summary>
    public IReadOnlyList<PreemptionCandidate> Preempt(PodInfo pod, Snapshot snapshot, IEnumerable<PreemptionCandidate> candidates)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(candidates);
        if (Gangs?.Owns(pod) == true)
        {
            // A gang that has a place needs no victims, and for one that has none those of one member would not do.
            return Gangs.Preempt(pod, candidates);
        }

        var decider = _deciders.For(pod);
        var others = pod.Request.WantsGpu ? KeptFrom(pod) : null;
        var state = new CycleState(pod);
        var kept = new List<PreemptionCandidate>();
        foreach (var candidate in candidates)
        {
            if (!pod.Request.WantsGpu)
            {
                if (!candidate.VictimUids.IsEmpty)
                {
                    kept.Add(candidate);
                }
            }
            else if (snapshot.Find(candidate.Node) is { } node && others?.Holds(candidate.Node) != true && Complete(decider, state, node.Firm.Without(pod.Uid), candidate) is { } complete)
            {
                kept.Add(complete);
            }
        }

        return kept;
    }

    /// <summary>Promises devices to a pod that is about to be bound. See <see cref="ClusterState.Promise"/>.</summary>
    public PromiseResult Promise(PodInfo pod, string node)
    {
        ArgumentNullException.ThrowIfNull(pod);
        var decider = _deciders.For(pod);
        var cards = decider.Profile.CardOrder;
        if (pod.Request.WantsGpu && KeptFrom(pod) is { } kept && kept.Holds(node))
        {
            // What it was held for may be what the gang needs: the pick that is judged is the one that is made.
            Cluster.Hold(pod, node, cards);
            var judge = decider.Judge(pod);
            return Cluster.Promise(pod, node, info => judge(info) ?? kept.Refuses(pod, info)?.Reason, cards);
        }

        return Cluster.Promise(pod, node, decider.Judge(pod), cards);
    }

    /// <summary>As <see cref="Promise"/>, but a member of a gang waits until all that the gang needs have come so far (<see cref="GangScheduler.ArriveAsync"/>).</summary>
    public Task<PromiseResult> PromiseAsync(PodInfo pod, string node)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return Gangs is { } gangs && gangs.Owns(pod) ? gangs.ArriveAsync(pod, node) : Task.FromResult(Promise(pod, node));
    }

    /// <summary>The bind of a promise failed for certain: what was promised is free, unless it is part of the plan of a gang.</summary>
    public void BindFailed(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        if (Gangs?.Owns(pod) == true)
        {
            Gangs.BindFailed(pod);
        }
        else
        {
            Cluster.Abandon(pod.Uid);
        }
    }

    /// <summary>Promises the best node to a pod that holds none; null when there is no node for it.</summary>
    private Allocation? PromiseBest(PodInfo pod, out Snapshot snapshot, out double score)
    {
        while (true)
        {
            var kept = pod.Request.WantsGpu ? KeptFrom(pod) : null;
            var best = FindBest(pod, kept, out snapshot);
            score = best.Index < 0 ? 0 : best.Score;
            if (best.Index < 0)
            {
                return null;
            }

            var node = snapshot.Nodes[best.Position]!.Facts.Name;
            if (Promise(pod, node) is { IsGranted: true, Allocation: var allocation })
            {
                return allocation;
            }

            if (Cluster.Current == snapshot && kept is null && KeptFrom(pod) is null)
            {
                throw new InvalidOperationException($"node {node} passed the filters for pod {pod} and was refused when devices were to be promised");
            }
        }
    }

    private static PreemptionCandidate? Complete(Decider decider, CycleState state, NodeInfo node, PreemptionCandidate candidate)
    {
        var chosen = candidate.VictimUids.ToHashSet(StringComparer.Ordinal);
        var without = NodeInfo.Build(node.Facts, node.Allocations.RemoveAll(a => chosen.Contains(a.Pod.Uid)));
        if (decider.Evaluator.Judge(state, without).IsSuccess)
        {
            return candidate.VictimUids.IsEmpty ? null : candidate;
        }

        var evictable = without.Allocations
            .Where(a => a.State != AllocationState.Planned && a.Pod.Request.WantsGpu && a.Pod.Priority < state.Pod.Priority)
            .OrderByDescending(a => a.Pod.Priority).ThenByDescending(a => a.Pod.Request.DeviceCount).ThenBy(a => a.Pod.Uid, StringComparer.Ordinal)
            .ToList();
        if (evictable.Count == 0)
        {
            return null;
        }

        var evicted = evictable.Select(a => a.Pod.Uid).ToHashSet(StringComparer.Ordinal);
        NodeInfo Remaining() => NodeInfo.Build(without.Facts, without.Allocations.RemoveAll(a => evicted.Contains(a.Pod.Uid)));
        if (!decider.Evaluator.Judge(state, Remaining()).IsSuccess)
        {
            return null;
        }

        foreach (var spared in evictable)
        {
            evicted.Remove(spared.Pod.Uid);
            if (!decider.Evaluator.Judge(state, Remaining()).IsSuccess)
            {
                evicted.Add(spared.Pod.Uid);
            }
        }

        return candidate with { VictimUids = [.. candidate.VictimUids, .. evictable.Select(a => a.Pod.Uid).Where(evicted.Contains)] };
    }

    /// <summary>A status for each candidate, and nothing else: how many pass, the index of the last of them, and whether nodes that would do are kept for others.</summary>
    /// <param name="decider">Who decides.</param>
    /// <param name="state">The pod.</param>
    /// <param name="snapshot">The cluster.</param>
    /// <param name="own">What the pod itself holds.</param>
    /// <param name="kept">What is kept from it.</param>
    /// <param name="candidates">Positions of the nodes, -1 for one that is not known.</param>
    /// <param name="templates">What is to be believed of those that are not known, in their order; null to refuse them.</param>
    /// <param name="statuses">Receives the statuses.</param>
    private static (int Passed, int Last, bool TurnedAway) JudgeAll(Decider decider, CycleState state, Snapshot snapshot, in Own own, KeptNodes? kept, ReadOnlySpan<int> candidates, IReadOnlyList<TemplateNode>? templates, Span<Status> statuses)
    {
        var decided = own.Decided && state.Request.WantsGpu;
        var (passed, held, last, unknown) = (0, 0, -1, 0);
        var turnedAway = false;
        for (var i = 0; i < candidates.Length; i++)
        {
            var template = candidates[i] < 0 ? templates?[unknown++] : null;
            var known = candidates[i] < 0 ? null : candidates[i] == own.Position ? own.Node : snapshot.Nodes[candidates[i]];
            var status = (known ?? template?.Node) is not { } node ? template?.Fault ?? Reasons.UnknownNode
                : decided ? (candidates[i] == own.Position ? Status.Success : Reasons.DecidedElsewhere)
                : decider.Evaluator.Judge(state, node);
            if (kept is not null && known is not null && (status.IsSuccess || status == Reasons.Held)
                && kept.Refuses(state.Pod, candidates[i] == own.Position || status.IsSuccess ? known : known.Firm) is { } why)
            {
                (status, turnedAway) = (why, true);
            }

            statuses[i] = status;
            if (status.IsSuccess)
            {
                passed++;
                last = i;
            }
            else if (status == Reasons.Held)
            {
                held++;
            }
        }

        if (passed > 0 || held == 0)
        {
            return (passed, last, turnedAway);
        }

        for (var i = 0; i < candidates.Length; i++)
        {
            if (statuses[i] == Reasons.Held)
            {
                statuses[i] = Status.Success;
                last = i;
            }
        }

        return (held, last, turnedAway);
    }

    /// <summary>The scores as kube-scheduler is shown them, and the best.</summary>
    private static Best Show(Decider decider, PodInfo pod, ReadOnlySpan<int> candidates, ReadOnlySpan<double> exact, Span<int> scores)
    {
        var best = new Best(decider.Profile, pod);
        var most = pod.Request.WantsGpu ? MaxScore - 1 : MaxScore;
        for (var i = 0; i < candidates.Length; i++)
        {
            scores[i] = (int)Math.Clamp(exact[i] * MaxScore, 0, most);
            best.Offer(i, candidates[i], exact[i]);
        }

        return best;
    }

    private KeptNodes? KeptFrom(PodInfo pod) => Gangs is { } gangs && gangs.KeptFrom(pod) is { } kept && !gangs.Owns(pod) ? kept : null;

    /// <summary>A refusal for all nodes. Where removing pods could help, that is said of nodes alone on which it would change anything.</summary>
    private static void Refuse(Decider decider, PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, Span<Status> statuses, Status refusal)
    {
        statuses.Fill(refusal);
        if (refusal.Code != StatusCode.Unschedulable)
        {
            return;
        }

        var state = new CycleState(pod);
        var wait = Reasons.GangUnplaced.Because(refusal.Reason);
        for (var i = 0; i < candidates.Length; i++)
        {
            if (candidates[i] < 0 || snapshot.Nodes[candidates[i]] is not { } node || decider.Evaluator.Judge(state, node).Code != StatusCode.Unschedulable)
            {
                statuses[i] = wait;
            }
        }
    }

    private Best FindBest(PodInfo pod, KeptNodes? kept, out Snapshot snapshot)
    {
        var decider = _deciders.For(pod);
        if (decider.Index is { } index && kept is null)
        {
            var best = index.Find(pod, out snapshot, out var someHeld);
            if (best.Index >= 0 || !someHeld)
            {
                return best;
            }
        }
        else
        {
            snapshot = Cluster.Current;
        }

        var free = Scan(decider, pod, snapshot, Status.Success, kept, out var held);
        return held > 0 && free.Index < 0 ? Scan(decider, pod, snapshot, Reasons.Held, kept, out _) : free;
    }

    /// <summary>The best of the nodes of which the filters say so, by asking each.</summary>
    private static Best Scan(Decider decider, PodInfo pod, Snapshot snapshot, Status wanted, KeptNodes? kept, out int held)
    {
        var state = new CycleState(pod);
        var best = new Best(decider.Profile, pod);
        held = 0;
        for (var position = 0; position < snapshot.Nodes.Length; position++)
        {
            if (snapshot.Nodes[position] is not { } node)
            {
                continue;
            }

            var status = decider.Evaluator.Judge(state, node);
            held += status == Reasons.Held ? 1 : 0;
            if (status == wanted && kept?.Refuses(pod, status.IsSuccess ? node : node.Firm) is null)
            {
                best.Offer(position, position, decider.Evaluator.Score(state, node));
            }
        }

        return best;
    }

    private Dictionary<Status, int> CountVerdicts(PodInfo pod, Snapshot snapshot)
    {
        var evaluator = _deciders.For(pod).Evaluator;
        var state = new CycleState(pod);
        var verdicts = new Dictionary<Status, int>();
        foreach (var node in snapshot.Nodes)
        {
            if (node is not null)
            {
                var status = evaluator.Judge(state, node);
                verdicts[status] = verdicts.GetValueOrDefault(status) + 1;
            }
        }

        return verdicts;
    }

    /// <summary>The score of each candidate; <see cref="Best.NoScore"/> where the pod does not fit even without other pods' tentative holds.</summary>
    private static void ScoreAll(Decider decider, CycleState state, Snapshot snapshot, in Own own, ReadOnlySpan<int> candidates, Span<double> scores)
    {
        var kept = decider.Index?.TryRead(state.Pod, snapshot, candidates, scores) == true;
        for (var i = 0; i < candidates.Length; i++)
        {
            if (!kept || scores[i] == Best.NoScore || candidates[i] == own.Position)
            {
                scores[i] = ScoreAt(decider, state, snapshot, own, candidates[i]);
            }
        }
    }

    private static double ScoreAt(Decider decider, CycleState state, Snapshot snapshot, in Own own, int position) =>
        position < 0 || snapshot.Nodes[position] is not { } node || !state.AllowsModelOf(node.Facts) ? Best.NoScore
            : decider.Evaluator.Score(state, position == own.Position ? own.Node! : node);

    private static int KeepBest(Decider decider, CycleState state, Snapshot snapshot, in Own own, ReadOnlySpan<int> candidates, Span<Status> statuses)
    {
        var best = new Best(decider.Profile, state.Pod);
        var scores = ArrayPool<double>.Shared.Rent(candidates.Length);
        ScoreAll(decider, state, snapshot, own, candidates, scores);
        for (var i = 0; i < candidates.Length; i++)
        {
            if (statuses[i].IsSuccess)
            {
                // Asked again: the same answer, as long as it holds.
                best.Offer(i, candidates[i], candidates[i] == own.Position ? double.MaxValue : scores[i]);
            }
        }

        ArrayPool<double>.Shared.Return(scores);

        for (var i = 0; i < candidates.Length; i++)
        {
            if (i != best.Index && statuses[i].IsSuccess)
            {
                statuses[i] = Reasons.DecidedElsewhere;
            }
        }

        return best.Index;
    }

    private Own OwnHold(PodInfo pod, Snapshot snapshot)
    {
        if (!Cluster.TryGetAllocation(pod.Uid, out var allocation) || snapshot.Index.Find(allocation.Node) is not (>= 0 and var position))
        {
            return new Own(-1, null, false);
        }

        return new Own(position, snapshot.Nodes[position]?.Without(pod.Uid), allocation.State != AllocationState.Tentative);
    }

    /// <summary>Where the pod itself holds devices, the node without them, and whether that is more than tentative.</summary>
    private readonly record struct Own(int Position, NodeInfo? Node, bool Decided);
}
