using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Makes the plan of one gang and holds it: puts the question to the placer, gives the places to members, and has the ledger hold
/// them all or none. Without state.
/// </summary>
internal sealed class GangPlanner(ClusterState cluster, Deciders deciders)
{
    /// <summary>Attempts before it is left to the next call: each time the cluster changed in between, or a node that counts as free refuses.</summary>
    private const int MostAttempts = 8;

    private ClusterState Cluster => cluster;

    private GangOptions Options { get; } = deciders.Options.Gangs!;

    /// <summary>Which card a share of a pod gets, by the profile of its namespace.</summary>
    private IShareCardOrder CardsOf(string podNamespace) => deciders.For(podNamespace).Profile.CardOrder;

    /// <summary>What the filters say of a pod on a node, by the profile of its namespace; null when they let it pass.</summary>
    private string? Judge(PodInfo pod, NodeInfo node) => deciders.For(pod).Judge(pod)(node);

    /// <summary>True for members that have a place that nobody takes from them: bound, or about to be.</summary>
    public bool IsFirm(string podUid) => cluster.TryGetAllocation(podUid, out var held) && IsFirm(held.State);

    public static bool IsFirm(AllocationState state) => state is not (AllocationState.Tentative or AllocationState.Planned);

    /// <summary>True when what a member holds by the plan would still do.</summary>
    public static bool IsStillGood(PodInfo pod, Allocation held, Snapshot snapshot) =>
        snapshot.Find(held.Node)?.Without(pod.Uid) is { } node && pod.Demands?.Allows(node.Facts) != false && DeviceAllocator.IsStillGood(pod.Request, held.Devices, node);

    /// <summary>True for a member that may only go to the node that its affinity names, and has no place there.</summary>
    private bool IsStuck(PodInfo member) =>
        member is { PlannedNode: not null, NodeName: null } && !(cluster.TryGetAllocation(member.Uid, out var held) && (IsFirm(held.State) || held.Node == member.PlannedNode));

    /// <summary>Holds for members whose affinity names one node what they can get there: they are fixed points of the plan.</summary>
    public void HoldFixed(PodGroup group)
    {
        var snapshot = cluster.Current;
        var places = group.Members
            .Where(m => m is { PlannedNode: not null, NodeName: null, Request.WantsGpu: true }
                && !(cluster.TryGetAllocation(m.Uid, out var held) && (IsFirm(held.State) || (held.Node == m.PlannedNode && IsStillGood(m, held, snapshot)))))
            .Select(m => (Pod: m, Node: m.PlannedNode!)).ToList();
        while (places.Count > 0 && cluster.HoldAll(places, [], Judge, CardsOf(group.Key.Namespace)) is >= 0 and var failed)
        {
            cluster.Abandon(places[failed].Pod.Uid);
            places.RemoveAt(failed);
        }
    }

    /// <summary>Where a gang would go, with its devices, beside what is kept from it; nothing is held.</summary>
    public GangTrial Try(PodGroup group, Func<string, bool> allows, KeptNodes? kept)
    {
        var refusing = new HashSet<(string Node, GangShapeKey Shape)>();
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var snapshot = cluster.Current;
            var draft = new Draft(this, group, snapshot, (shape, node) => allows(node) && !refusing.Contains((node, shape)), static _ => false, kept);
            var plan = draft.Fault is { } fault ? GangOutcome.Impossible(fault).Plan : draft.Solve();
            var levels = Enumerable.Range(0, snapshot.Topology.ClusterLevel + 1).Select(snapshot.Topology.NameOf).ToImmutableArray();
            if (!plan.IsPlaced)
            {
                return new GangTrial(plan, "", [], levels);
            }

            var places = draft.Places(plan);
            var pick = Pick(places, snapshot);
            if (pick.Count == places.Count)
            {
                return new GangTrial(plan, draft.DomainOf(plan), [.. pick], levels);
            }

            refusing.Add((places[pick.Count].Node, GangShapeKey.Of(places[pick.Count].Pod)));
        }

        return new GangTrial(GangOutcome.Undecided("nodes that count as free refuse the members").Plan, "", [], []);
    }

    /// <summary>Devices for members one after another, up to the first that gets none.</summary>
    private List<GangPlace> Pick(List<(PodInfo Pod, string Node)> places, Snapshot snapshot)
    {
        var nodes = new Dictionary<string, NodeInfo>(StringComparer.Ordinal);
        var made = new List<GangPlace>();
        foreach (var (pod, name) in places)
        {
            var judge = deciders.For(pod).Judge(pod);
            var cards = CardsOf(pod.Namespace);
            var before = nodes.GetValueOrDefault(name) ?? snapshot.Find(name);
            NodeInfo?[] ways = [before, before?.Firm];
            if (Array.Find(ways, n => n is not null && judge(n) is null && DeviceAllocator.TryPick(pod, n, cards, out _, out _)) is not { } node
                || !DeviceAllocator.TryPick(pod, node, cards, out var pick, out _))
            {
                return made;
            }

            var devices = pick.ToAssignment(pod.Request, node);
            nodes[name] = NodeInfo.Build(node.Facts, node.Allocations.Add(new Allocation(pod, name, devices, AllocationState.Planned)));
            made.Add(new GangPlace(pod, name, devices));
        }

        return made;
    }

    /// <summary>Plans all members that want GPUs and hold no firm place.</summary>
    /// <param name="group">The gang; complete.</param>
    /// <param name="offer">The nodes that members of a shape may go to; null for all.</param>
    /// <param name="keeps">True for members whose planned place is not to change.</param>
    /// <param name="kept">What is kept from the gang; null for nothing.</param>
    /// <param name="wishes">Nodes that members would rather have than others of the plan, by UID; null for none.</param>
    public GangOutcome Plan(PodGroup group, Func<GangShapeKey, HashSet<string>?> offer, Predicate<PodInfo> keeps, KeptNodes? kept = null, IReadOnlyDictionary<string, string>? wishes = null)
    {
        var refusing = new HashSet<(string Node, GangShapeKey Shape)>();
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var draft = new Draft(this, group, cluster.Current, (shape, node) => offer(shape)?.Contains(node) != false && !refusing.Contains((node, shape)), keeps, kept);
            if (draft.Fault is { } fault)
            {
                return GangOutcome.Impossible(fault);
            }

            var plan = draft.Solve();
            if (!plan.IsPlaced)
            {
                return new GangOutcome(plan, "", []) { Network = draft.Network };
            }

            var places = draft.Places(plan, wishes);
            var failed = Hold(draft, places, kept);
            if (failed < 0)
            {
                return new GangOutcome(plan, draft.DomainOf(plan), [.. places.Select(p => p.Pod)]);
            }

            refusing.Add((places[failed].Node, GangShapeKey.Of(places[failed].Pod)));
        }

        return GangOutcome.Undecided("the cluster changed while the gang was planned");
    }

    /// <summary>
    /// Where the gang would go if some of those who hold devices now went away, as few and as little as can be: nodes are thought empty
    /// one after another, those with the least in use first, until what the gang needs has a place. Pods without GPUs stay in thought.
    /// </summary>
    /// <param name="group">The gang; complete, and without a place.</param>
    /// <param name="rank">Where it stands among others.</param>
    /// <param name="offer">The nodes that members of a shape may go to; null for all.</param>
    /// <param name="kept">What is kept from the gang; null for nothing.</param>
    /// <param name="near">The domain that comes nearest to holding it, if that is known: tried before others.</param>
    /// <param name="network">The network that it is a domain of: of another one its number says nothing.</param>
    /// <returns>The nodes to be kept for it, and how many GPUs it lacks there; null when not even the empty cluster would do.</returns>
    public (GangClaim Claim, int Lacking)? Claim(PodGroup group, GangRank rank, Func<GangShapeKey, HashSet<string>?> offer, KeptNodes? kept, Shortfall? near, NetworkTopology? network)
    {
        var draft = new Draft(this, group, cluster.Current, (shape, node) => offer(shape)?.Contains(node) != false, static _ => false, kept, neededOnly: true);
        if (draft.Fault is not null)
        {
            return null;
        }

        var limit = new SolveLimit(cluster.Time, Options.SolveLimit);
        var domain = near is { Level: > NetworkTopology.NodeLevel, Domain: >= 0 } && ReferenceEquals(network, draft.Network) ? near : null;
        return draft.Places(domain, limit) is { } places || (domain is not null && (places = draft.Places(null, limit)!) is not null)
            ? (new GangClaim(group.Key, rank, places), Lacking(places, kept))
            : null;
    }

    /// <summary>How many GPUs members lack on the nodes that are kept for them.</summary>
    public int Lacking(IEnumerable<(PodInfo Pod, string Node)> places, KeptNodes? kept)
    {
        var snapshot = cluster.Current;
        return places.GroupBy(p => p.Node, StringComparer.Ordinal).Sum(on =>
            Math.Max(0, on.Sum(p => p.Pod.Request.DeviceCount) - (snapshot.Find(on.Key) is { } node && (kept is null ? node : kept.Seen(node)) is { } seen ? seen.Firm.FreeGpus : 0)));
    }

    /// <summary>True when a claim can still be what the gang waits for: its nodes are there and offered, and its members are those without a place.</summary>
    public bool IsStillGood(GangClaim claim, PodGroup group, Func<GangShapeKey, HashSet<string>?> offer)
    {
        var snapshot = cluster.Current;
        var members = group.Members.Where(m => !IsFirm(m.Uid)).Select(m => m.Uid).ToHashSet(StringComparer.Ordinal);
        return claim.Members.All(on => snapshot.Find(on.Key) is not null && on.Value.All(m => members.Contains(m.Uid) && offer(GangShapeKey.Of(m))?.Contains(on.Key) != false));
    }

    /// <summary>Whom to remove so that all that the gang needs has a place, and where it is then; null when nothing helps, or nothing is known in time.</summary>
    /// <param name="group">The gang; complete, and without a place.</param>
    /// <param name="rank">Where it stands among others.</param>
    /// <param name="offer">The nodes that members of a shape may go to; null for all.</param>
    /// <param name="kept">What is kept from the gang; null for nothing.</param>
    /// <param name="guarded">UIDs of pods whose removal violates a disruption budget.</param>
    public GangRoom? MakeRoom(PodGroup group, GangRank rank, Func<GangShapeKey, HashSet<string>?> offer, KeptNodes? kept, IReadOnlySet<string> guarded)
    {
        var snapshot = cluster.Current;
        if (Options.Placer is not IGangSolver solver)
        {
            return null;
        }

        var draft = new Draft(this, group, snapshot, (shape, node) => offer(shape)?.Contains(node) != false, static _ => false, kept, neededOnly: true);
        if (draft.Fault is not null || draft.AskForRoom() is not { Capacity: WholeGpuCapacity } problem)
        {
            return null;
        }

        // What is kept for others is no room, whoever is removed from it.
        var jobs = EvictionJobs.Below(cluster, snapshot, group.Priority, guarded).FindAll(j => j.Victim.Holds.All(h => !IsKept(kept, snapshot.Nodes[h.Position]!)));
        var limit = new SolveLimit(cluster.Time, Options.SolveLimit);
        var plan = solver.MakeRoom(new EvictionProblem { Gang = problem, Victims = [.. jobs.Select(j => j.Victim)] }, limit);
        if (plan.Victims.IsEmpty || !plan.Gang.IsPlaced || plan.Proof.Status is ProofStatus.Infeasible or ProofStatus.Undecided)
        {
            return null;
        }

        var claim = new GangClaim(group.Key, rank, draft.Places(plan.Gang));
        var victims = plan.Victims.SelectMany(v => jobs[v].Pods).ToImmutableArray();
        var gone = victims.Select(v => v.Uid).ToHashSet(StringComparer.Ordinal);
        var check = new KeptNodes([claim], deciders);
        var holds = claim.Members.Keys.All(name => snapshot.Find(name) is { } node
            && check.Seen(NodeInfo.Build(node.Facts, node.Allocations.RemoveAll(a => Yields(a) || gone.Contains(a.Pod.Uid)))) is not null);
        return holds ? new GangRoom(claim, victims, string.Join(", ", plan.Victims.Select(v => jobs[v].Victim.Name)), cluster.Time.GetUtcNow() + Options.EvictionHold) : null;
    }

    /// <summary>True when a gang would have a place now, and can be planned together with others.</summary>
    public bool FitsAlone(PodGroup group, Func<GangShapeKey, HashSet<string>?> offer, KeptNodes? kept)
    {
        var draft = new Draft(this, group, cluster.Current, (shape, node) => offer(shape)?.Contains(node) != false, static _ => false, kept);
        return draft.Fault is null && draft.FitsABatch && draft.Solve().IsPlaced;
    }

    /// <summary>The question how several gangs are placed at once.</summary>
    /// <param name="gangs">The gangs in their order, with the nodes that their members may go to; each <see cref="FitsAlone"/>, and nothing is held for them.</param>
    /// <param name="kept">What is kept from all of them; null for nothing.</param>
    /// <param name="next">Which of them is placed above all; null to let the weights decide.</param>
    public GangsTogether Together(IReadOnlyList<(PodGroup Group, Func<GangShapeKey, HashSet<string>?> Offer)> gangs, KeptNodes? kept, int? next)
    {
        var snapshot = cluster.Current;
        return new GangsTogether(this, [.. gangs.Select(g => (g.Group, new Draft(this, g.Group, snapshot, (shape, node) => g.Offer(shape)?.Contains(node) != false, static _ => false, kept)))], snapshot, next);
    }

    /// <summary>True for what is gone soon anyway, or only likely.</summary>
    private static bool Yields(Allocation allocation) => allocation.State == AllocationState.Tentative || allocation.Pod.IsTerminating;

    private static bool IsKept(KeptNodes? kept, NodeInfo node) => kept?.Holds(node.Facts.Name) == true;

    private int Hold(Draft draft, List<(PodInfo Pod, string Node)> places, KeptNodes? kept) =>
        cluster.HoldAll(places, draft.Leaving.Except(places.Select(p => p.Pod.Uid), StringComparer.Ordinal), (pod, node) => Judge(pod, node) ?? kept?.Refuses(pod, node)?.Reason, CardsOf(draft.Key.Namespace));

    /// <summary>Several gangs that are placed at once.</summary>
    public sealed class GangsTogether
    {
        private readonly GangPlanner _planner;
        private readonly Draft[] _drafts;

        internal GangsTogether(GangPlanner planner, List<(PodGroup Group, Draft Draft)> gangs, Snapshot snapshot, int? next)
        {
            _planner = planner;
            _drafts = [.. gangs.Select(g => g.Draft)];
            Groups = [.. gangs.Select(g => g.Group)];
            var ranks = Groups.Select(g => g.Priority).Distinct().Order().Select((p, i) => (p, i)).ToDictionary(r => r.p, r => r.i + 1);
            var weights = gangs.ConvertAll(g => Math.Max(1, g.Draft.Gpus) * ranks[g.Group.Priority]);
            if (next is { } first)
            {
                weights[first] = weights.Sum() + 1;
            }

            Batch = new GangBatch
            {
                Topology = snapshot.Topology,

                // With gangs of two profiles it counts by the cards of the first: what is held is checked by each gang's own.
                Capacity = GangCapacity.Of(_drafts[0].Nodes, [.. _drafts.SelectMany(d => d.Requests)], planner.CardsOf(Groups[0].Key.Namespace)),
                Gangs = [.. _drafts.Select((d, i) => d.InBatch(weights[i]))],
            };
        }

        /// <summary>The gangs, in their order.</summary>
        public ImmutableArray<PodGroup> Groups { get; }

        /// <summary>The question.</summary>
        public GangBatch Batch { get; }

        /// <summary>Holds the places of a gang, all or none; null when they are not to be had any more.</summary>
        public GangOutcome? Hold(int gang, GangPlan plan, KeptNodes? kept)
        {
            var places = _drafts[gang].Places(plan);
            return _planner.Hold(_drafts[gang], places, kept) < 0 ? new GangOutcome(plan, _drafts[gang].DomainOf(plan), [.. places.Select(p => p.Pod)]) : null;
        }
    }

    /// <summary>One question to the placer.</summary>
    internal sealed class Draft
    {
        private readonly GangPlanner _planner;
        private readonly PodGroup _group;
        private readonly KeptNodes? _kept;
        private readonly bool _neededOnly;
        private readonly Snapshot _snapshot;
        private readonly NodeInfo?[] _nodes;
        private readonly List<List<PodInfo>> _free = [];
        private readonly ImmutableArray<MemberRequest>.Builder _requests = ImmutableArray.CreateBuilder<MemberRequest>();
        private readonly ImmutableArray<GangRole>.Builder _roles = ImmutableArray.CreateBuilder<GangRole>();
        private readonly Dictionary<(int Role, int Position), int> _standing = [];
        private readonly int? _required;
        private readonly int? _preferred;
        private readonly GangSpan? _segment;
        private readonly bool _segmentIsWish;

        public Draft(GangPlanner planner, PodGroup group, Snapshot snapshot, Func<GangShapeKey, string, bool> allows, Predicate<PodInfo> keeps, KeptNodes? kept, bool neededOnly = false)
        {
            _planner = planner;
            _group = group;
            _snapshot = snapshot;
            _kept = kept;
            _neededOnly = neededOnly;
            _nodes = new NodeInfo?[snapshot.Nodes.Length];
            for (var i = 0; i < _nodes.Length; i++)
            {
                _nodes[i] = snapshot.Nodes[i] is { } node && kept is not null ? kept.Seen(node) : snapshot.Nodes[i];
            }

            foreach (var shape in group.Roles.Where(r => r.Request.WantsGpu).GroupBy(r => new GangShapeKey(r.Request, r.CpuMilli, r.MemoryBytes, r.Demands)))
            {
                AddRole(shape.Key, [.. shape], allows, keeps);
            }

            var topology = TopologyOf(group);
            _required = LevelOf(topology.Required, required: true);
            _preferred = LevelOf(topology.Preferred, required: false) is { } preferred && !(preferred > _required) ? preferred : null;
            if (topology.SegmentSize > 1 && (topology.SegmentRequired ?? topology.SegmentPreferred) is { } level)
            {
                _segmentIsWish = topology.SegmentRequired is null;
                _segment = LevelOf(level, !_segmentIsWish) is { } some && _roles.Count == 1 ? new GangSpan(some, topology.SegmentSize) : null;
                if (_roles.Count > 1 && !_segmentIsWish)
                {
                    Fault = "segments are for gangs whose members all ask for the same";
                }
            }

            Fault ??= HasOpenPlaces ? Ask(_nodes, withSegments: true).Fault() : null;
        }

        /// <summary>Which gang it is about.</summary>
        public GangKey Key => _group.Key;

        /// <summary>Why the gang can never be placed as it is declared; null when it can be tried.</summary>
        public string? Fault { get; private set; }

        /// <summary>Members that gave up a planned place for this draft.</summary>
        public List<string> Leaving { get; } = [];

        /// <summary>True when it can be planned together with others: segments that are required cannot.</summary>
        public bool FitsABatch => HasOpenPlaces && (_segment is null || _segmentIsWish);

        /// <summary>What its members ask for, by role.</summary>
        public ImmutableArray<MemberRequest> Requests => _requests.ToImmutable();

        /// <summary>The gang as one of several.</summary>
        public BatchGang InBatch(long weight) => new() { Name = _group.Key.ToString(), Weight = weight, Roles = _roles.ToImmutable(), RequiredLevel = _required, PreferredLevel = _preferred };

        /// <summary>The nodes as the gang sees them.</summary>
        public ReadOnlySpan<NodeInfo?> Nodes => _nodes;

        /// <summary>GPUs that it needs.</summary>
        public long Gpus => _roles.Sum(r => (long)r.Min * r.Gpus);

        private bool HasOpenPlaces => _free.Exists(f => f.Count > 0);

        public GangPlan Solve()
        {
            if (!HasOpenPlaces)
            {
                return new GangPlan { Proof = new Proof(ProofStatus.Optimal, "nothing to place", 0, 0, "", TimeSpan.Zero) };
            }

            var limit = new SolveLimit(_planner.Cluster.Time, _planner.Options.SolveLimit);
            var plan = Place(withSegments: true, limit);
            return !plan.IsPlaced && _segment is not null && _segmentIsWish ? Place(withSegments: false, limit) : plan;
        }

        /// <summary>Who goes where: the members that the gang needs come first, and of those each where it would rather be.</summary>
        public List<(PodInfo Pod, string Node)> Places(GangPlan plan, IReadOnlyDictionary<string, string>? wishes = null)
        {
            var places = new List<(PodInfo, string)>();
            foreach (var role in plan.Slots.GroupBy(s => s.Role))
            {
                var nodes = role.SelectMany(s => Enumerable.Repeat(_snapshot.Nodes[s.Position]!.Facts.Name, s.Members)).Take(_free[role.Key].Count).ToList();
                var members = _free[role.Key].Take(nodes.Count).ToList();
                if (wishes is { Count: > 0 })
                {
                    foreach (var member in members.ToList())
                    {
                        if (wishes.TryGetValue(member.Uid, out var node) && nodes.Remove(node))
                        {
                            members.Remove(member);
                            places.Add((member, node));
                        }
                    }
                }

                places.AddRange(members.Zip(nodes));
            }

            return places;
        }

        /// <summary>What room is to be made for, with everybody there who does not go by himself.</summary>
        public GangProblem AskForRoom()
        {
            for (var i = 0; i < _nodes.Length; i++)
            {
                _nodes[i] = _nodes[i] is { } node && node.Allocations.Any(Yields) ? NodeInfo.Build(node.Facts, node.Allocations.RemoveAll(Yields)) : _nodes[i];
            }

            return Ask(_nodes, _segment is not null && !_segmentIsWish);
        }

        /// <summary>Where all that the gang needs would go if as few others as can be went away; null when even that would not do.</summary>
        /// <param name="domain">The domain to look in; null for the whole cluster.</param>
        /// <param name="limit">The time for all of it.</param>
        public List<(PodInfo Pod, string Node)>? Places(Shortfall? domain, SolveLimit limit)
        {
            var topology = _snapshot.Topology;
            var positions = Enumerable.Range(0, _nodes.Length)
                .Where(i => _nodes[i] is not null && (domain is null || topology.DomainOf(domain.Level, i) == domain.Domain))
                .OrderBy(i => _nodes[i]!.UsedMilli).ThenBy(i => i).ToArray();
            var busy = Array.FindAll(positions, i => _nodes[i]!.UsedMilli > 0 && !IsKept(_kept, _nodes[i]!));
            var (few, many) = (0, busy.Length);
            var best = Try(many);
            while (best is not null && few < many && !limit.IsOver)
            {
                var half = (few + many) / 2;
                if (Try(half) is { } better)
                {
                    (best, many) = (better, half);
                }
                else
                {
                    few = half + 1;
                }
            }

            return best is null ? null : Places(best);

            GangPlan? Try(int emptied)
            {
                var nodes = new NodeInfo?[_nodes.Length];
                foreach (var position in positions)
                {
                    nodes[position] = _nodes[position];
                }

                foreach (var position in busy.AsSpan(0, emptied))
                {
                    var node = _nodes[position]!;
                    nodes[position] = NodeInfo.Build(node.Facts, node.Allocations.RemoveAll(a => a.Pod.Request.WantsGpu && !(a.Pod.Gang?.Key == _group.Key && IsFirm(a.State))));
                }

                var segmented = _segment is not null && !_segmentIsWish;
                var plan = _planner.Options.Placer.Place(Ask(nodes, segmented), limit);
                return plan.IsPlaced ? plan : null;
            }
        }

        public NetworkTopology Network => _snapshot.Topology;

        public string DomainOf(GangPlan plan) => plan.CommonLevel < 0 ? "" : _snapshot.Topology.Describe(plan.CommonLevel, plan.CommonDomain);

        /// <summary>What is only held tentatively yields to a gang that has no other place, as it does to a bind.</summary>
        private GangPlan Place(bool withSegments, SolveLimit limit)
        {
            var plan = _planner.Options.Placer.Place(Ask(_nodes, withSegments), limit);
            if (plan.IsPlaced || !Array.Exists(_nodes, n => n?.HasTentative == true))
            {
                return plan;
            }

            var firm = _planner.Options.Placer.Place(Ask(Array.ConvertAll(_nodes, n => n?.Firm), withSegments), limit);
            return firm.IsPlaced ? firm : plan;
        }

        private GangProblem Ask(NodeInfo?[] nodes, bool withSegments) => new()
        {
            Topology = _snapshot.Topology,
            Capacity = GangCapacity.Of(nodes, _requests.ToImmutable(), _planner.CardsOf(_group.Key.Namespace)),
            Roles = withSegments && _segment is not null ? [_roles[0] with { Segment = _segment }] : _roles.ToImmutable(),
            Fixed = [.. _standing.Select(s => new GangSlot(s.Key.Role, s.Key.Position, s.Value))],
            RequiredLevel = _required,
            PreferredLevel = _preferred,
        };

        private void AddRole(GangShapeKey shape, PodGroupRole[] parts, Func<GangShapeKey, string, bool> allows, Predicate<PodInfo> keeps)
        {
            var role = _roles.Count;
            var needed = parts.SelectMany(p => p.Members.Take(p.MinMembers));
            var all = needed.Concat(parts.SelectMany(p => p.Members.Skip(p.MinMembers))).ToLookup(_planner.IsStuck);
            var members = all[false].ToList();
            if (members.Count < parts.Sum(p => p.MinMembers) && all[true].FirstOrDefault() is { } stuck)
            {
                Fault ??= $"pod {stuck} can only go to node {stuck.PlannedNode}, which its node affinity names since its gate was removed, and there is no room for it now: make room, or delete the pod so that another takes its place";
            }

            var elsewhere = 0;
            var free = new List<PodInfo>();
            foreach (var member in members)
            {
                if (!_planner.Cluster.TryGetAllocation(member.Uid, out var held))
                {
                    free.Add(member);
                    continue;
                }

                var position = _snapshot.Index.Find(held.Node);
                var stays = IsFirm(held.State)
                    || (held.State == AllocationState.Planned && (member.PlannedNode is not null || (keeps(member) && allows(shape, held.Node))) && GangPlanner.IsStillGood(member, held, _snapshot));
                if (!stays)
                {
                    if (position >= 0)
                    {
                        _nodes[position] = _nodes[position]?.Without(member.Uid);
                    }

                    Leaving.Add(member.Uid);
                    free.Add(member);
                }
                else if (position < 0)
                {
                    elsewhere++; // bound to a node that is gone
                }
                else
                {
                    _standing[(role, position)] = _standing.GetValueOrDefault((role, position)) + 1;
                }
            }

            if (members.Count == elsewhere)
            {
                return;
            }

            var names = parts.Select(p => p.Part).Where(p => p.Length > 0).ToList();
            _roles.Add(new GangRole
            {
                Name = names.Count > 0 ? string.Join("+", names) : "members",
                Needs = RequestWords.Of(shape.Request),
                Min = Math.Max(0, parts.Sum(p => p.MinMembers) - elsewhere),
                Max = Math.Max(_neededOnly ? Math.Max(0, parts.Sum(p => p.MinMembers) - elsewhere) : members.Count - elsewhere, members.Count - elsewhere - free.Count),
                Gpus = shape.Request.DeviceCount,
            });
            _free.Add(free);
            _requests.Add(new MemberRequest(shape.Request, shape.CpuMilli, shape.MemoryBytes, position => _nodes[position] is { Facts.Closed: null } node && shape.Demands?.Allows(node.Facts) != false && allows(shape, node.Facts.Name)));
        }

        /// <summary>How close the gang has to be. What only a part of it asks for is for gangs of one part.</summary>
        private GangTopology TopologyOf(PodGroup group)
        {
            // Members without GPUs have no place in the plan, and so no distance to anybody.
            var parts = group.Parts.Where(p => p.Topology != GangTopology.None && (group.Roles.All(r => r.Part != p.Name) || group.Roles.Any(r => r.Part == p.Name && r.Request.WantsGpu))).ToList();
            if (parts.Count == 0)
            {
                return group.Topology;
            }

            if (parts.Count == 1 && group.Roles.Where(r => r.Request.WantsGpu).All(r => r.Part == parts[0].Name) && group.Topology == GangTopology.None)
            {
                return parts[0].Topology;
            }

            if (parts.Find(p => p.Topology.Required is not null || p.Topology.SegmentRequired is not null) is { } part)
            {
                Fault = $"part \"{part.Name}\" has to be in one {part.Topology.Required ?? part.Topology.SegmentRequired} by itself, and only a whole gang can be kept together: declare it for the gang, or make it a gang of its own";
            }

            return group.Topology;
        }

        private int? LevelOf(TopologyLevel? level, bool required)
        {
            if (level is not { } some)
            {
                return null;
            }

            var topology = _snapshot.Topology;
            var number = some.Tier > 0 ? Math.Min(some.Tier, topology.ClusterLevel) : topology.FindLevel(some.Key);
            if (number < 0 && required)
            {
                Fault = $"the gang has to be in one {some}, and no node carries this level of the network";
            }

            return number < 0 ? null : number;
        }
    }
}
