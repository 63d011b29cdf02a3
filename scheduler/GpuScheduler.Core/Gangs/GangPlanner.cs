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
internal sealed class GangPlanner(ClusterState cluster, GangOptions options, NodeEvaluator evaluator, IShareCardOrder cards)
{
    /// <summary>Attempts before it is left to the next call: each time the cluster changed in between, or a node that counts as free refuses.</summary>
    private const int MostAttempts = 8;

    private ClusterState Cluster => cluster;

    private GangOptions Options => options;

    private IShareCardOrder Cards => cards;

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
        while (places.Count > 0 && cluster.HoldAll(places, [], (pod, node) => evaluator.Judge(pod)(node), cards) is >= 0 and var failed)
        {
            cluster.Abandon(places[failed].Pod.Uid);
            places.RemoveAt(failed);
        }
    }

    /// <summary>Where a gang would go, with its devices; nothing is held.</summary>
    public GangTrial Try(PodGroup group, Func<string, bool> allows)
    {
        var refusing = new HashSet<(string Node, GangShapeKey Shape)>();
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var snapshot = cluster.Current;
            var draft = new Draft(this, group, snapshot, (shape, node) => allows(node) && !refusing.Contains((node, shape)), static _ => false);
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
            var judge = evaluator.Judge(pod);
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
    public GangOutcome Plan(PodGroup group, Func<GangShapeKey, HashSet<string>?> offer, Predicate<PodInfo> keeps)
    {
        var refusing = new HashSet<(string Node, GangShapeKey Shape)>();
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var draft = new Draft(this, group, cluster.Current, (shape, node) => offer(shape)?.Contains(node) != false && !refusing.Contains((node, shape)), keeps);
            if (draft.Fault is { } fault)
            {
                return GangOutcome.Impossible(fault);
            }

            var plan = draft.Solve();
            if (!plan.IsPlaced)
            {
                return new GangOutcome(plan, "", []);
            }

            var places = draft.Places(plan);
            var failed = cluster.HoldAll(places, draft.Leaving.Except(places.Select(p => p.Pod.Uid), StringComparer.Ordinal), (pod, node) => evaluator.Judge(pod)(node), cards);
            if (failed < 0)
            {
                return new GangOutcome(plan, draft.DomainOf(plan), [.. places.Select(p => p.Pod)]);
            }

            refusing.Add((places[failed].Node, GangShapeKey.Of(places[failed].Pod)));
        }

        return GangOutcome.Undecided("the cluster changed while the gang was planned");
    }

    /// <summary>What a member asks for, in words.</summary>
    private static string Needs(GpuRequest request)
    {
        var parts = new List<string>();
        if (request.WholeGpus > 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{request.WholeGpus} {(request.WholeGpus == 1 ? "GPU" : "GPUs")}"));
        }

        if (request.ShareCount > 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"shares of {request.ShareCount} {(request.ShareCount == 1 ? "GPU" : "GPUs")}"));
        }

        parts.AddRange(request.Mig.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Count} MIG {m.Profile}")));
        return string.Join(" and ", parts);
    }

    /// <summary>One question to the placer.</summary>
    private sealed class Draft
    {
        private readonly GangPlanner _planner;
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

        public Draft(GangPlanner planner, PodGroup group, Snapshot snapshot, Func<GangShapeKey, string, bool> allows, Predicate<PodInfo> keeps)
        {
            _planner = planner;
            _snapshot = snapshot;
            _nodes = new NodeInfo?[snapshot.Nodes.Length];
            for (var i = 0; i < _nodes.Length; i++)
            {
                _nodes[i] = snapshot.Nodes[i];
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

        /// <summary>Why the gang can never be placed as it is declared; null when it can be tried.</summary>
        public string? Fault { get; private set; }

        /// <summary>Members that gave up a planned place for this draft.</summary>
        public List<string> Leaving { get; } = [];

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

        /// <summary>Who goes where: the members that the gang needs come first.</summary>
        public List<(PodInfo Pod, string Node)> Places(GangPlan plan)
        {
            var places = new List<(PodInfo, string)>();
            var next = new int[_free.Count];
            foreach (var slot in plan.Slots)
            {
                for (var i = 0; i < slot.Members && next[slot.Role] < _free[slot.Role].Count; i++)
                {
                    places.Add((_free[slot.Role][next[slot.Role]++], _nodes[slot.Position]!.Facts.Name));
                }
            }

            return places;
        }

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
            Capacity = GangCapacity.Of(nodes, _requests.ToImmutable(), _planner.Cards),
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
                Needs = Needs(shape.Request),
                Min = Math.Max(0, parts.Sum(p => p.MinMembers) - elsewhere),
                Max = members.Count - elsewhere,
                Gpus = shape.Request.DeviceCount,
            });
            _free.Add(free);
            _requests.Add(new MemberRequest(shape.Request, shape.CpuMilli, shape.MemoryBytes, position => _nodes[position] is { } node && shape.Demands?.Allows(node.Facts) != false && allows(shape, node.Facts.Name)));
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
