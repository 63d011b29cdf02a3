using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.V1;
using Google.Protobuf.WellKnownTypes;
using CoreGangs = GpuScheduler.Core.Gangs;
using RpcException = global::Grpc.Core.RpcException;
using RpcStatusCode = global::Grpc.Core.StatusCode;
using ServerCallContext = global::Grpc.Core.ServerCallContext;

namespace GpuScheduler.Extender.Grpc;

/// <summary>Gangs over gRPC: what-if, and what /v1/gangs shows. Changes nothing.</summary>
internal sealed class GangsService(SchedulingEngine engine, Readiness readiness, DialectSet dialects) : V1.Gangs.GangsBase
{
    /// <summary>Members of one question in all.</summary>
    private const int MostMembers = 4096;

    public override Task<PlaceGangResponse> PlaceGang(PlaceGangRequest request, ServerCallContext context)
    {
        var gangs = Gangs();
        var group = ToGroup(request);
        var nodes = request.NodeNames.ToHashSet(StringComparer.Ordinal);
        if (nodes.Count > 0 && !nodes.Any(n => engine.Cluster.Current.Index.Find(n) >= 0))
        {
            throw PodMessage.Invalid("none of node_names is a node of the cluster: correct them, or leave them out to allow all nodes");
        }

        var trial = gangs.Try(group, nodes.Count > 0 ? nodes : null);
        var response = new PlaceGangResponse { Plan = ToPlan(trial.Plan, trial.Domain, trial.Levels) };
        var roles = group.Roles.SelectMany(r => r.Members.Select(m => (m.Uid, r.Part))).ToDictionary(StringComparer.Ordinal);
        var next = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var place in trial.Places)
        {
            var role = roles[place.Pod.Uid];
            var member = next.GetValueOrDefault(role);
            next[role] = member + 1;
            response.Places.Add(new V1.GangPlace { Role = role, Member = member, Node = place.Node, AssignedDevices = place.Devices.ToAnnotation() });
        }

        return Task.FromResult(response);
    }

    public override Task<Gang> GetGang(GetGangRequest request, ServerCallContext context)
    {
        var gangs = Gangs();
        if (request.Name.Length == 0)
        {
            throw PodMessage.Invalid("name must not be empty; ListGangs gives the names");
        }

        var space = request.Namespace.Length == 0 ? "default" : request.Namespace;
        var view = gangs.Find(space, request.Name).FirstOrDefault(g => request.Dialect.Length == 0 || g.Group.Key.Dialect == request.Dialect)
            ?? throw new RpcException(new global::Grpc.Core.Status(RpcStatusCode.NotFound, $"gang {space}/{request.Name} is not known; ListGangs gives those that are"));
        var gang = Summary(view);
        if (view.Expires is { } expires)
        {
            gang.Expires = Timestamp.FromDateTimeOffset(expires);
        }

        gang.Members.AddRange(view.Members.Select(m => new GangMember
        {
            Pod = m.Name,
            Uid = m.Uid,
            Role = m.Role,
            WantsGpu = m.WantsGpu,
            Node = m.Allocation?.Node ?? "",
            State = m.Allocation?.State.ToString().ToLowerInvariant() ?? "",
            AssignedDevices = m.Allocation?.Devices.ToAnnotation() ?? "",
            WaitsAtBind = m.WaitsAtBind,
        }));
        gang.History.AddRange(view.History.Select(h => new V1.GangEvent { At = Timestamp.FromDateTimeOffset(h.At), What = h.What }));
        return Task.FromResult(gang);
    }

    public override Task<ListGangsResponse> ListGangs(ListGangsRequest request, ServerCallContext context)
    {
        var response = new ListGangsResponse();
        response.Gangs.AddRange(Gangs().List().Where(g => request.Namespace.Length == 0 || g.Group.Key.Namespace == request.Namespace).Select(Summary));
        return Task.FromResult(response);
    }

    private GangScheduler Gangs()
    {
        if (!readiness.IsSynced)
        {
            throw new RpcException(new global::Grpc.Core.Status(RpcStatusCode.Unavailable, Readiness.NotSynced));
        }

        return engine.Gangs ?? throw new RpcException(new global::Grpc.Core.Status(RpcStatusCode.FailedPrecondition, "gangs are switched off: set Gangs:Enabled to true"));
    }

    private Gang Summary(GangView view)
    {
        var group = view.Group;
        var gang = new Gang
        {
            Namespace = group.Key.Namespace,
            Name = group.Key.Name,
            Dialect = group.Key.Dialect,
            State = view.State.ToString().ToLowerInvariant(),
            Reason = view.Reason,
            MinMembers = group.MinMembers,
            Size = group.Size,
            Present = group.Members.Length,
            Placed = view.Members.Count(m => m is { WantsGpu: true, Allocation: not null }),
            Bound = group.Members.Count(m => m.NodeName is not null),
            Priority = group.Priority,
        };
        if (view.Plan is { } plan)
        {
            var topology = engine.Cluster.Current.Topology;
            gang.Plan = ToPlan(plan, view.Domain, [.. Enumerable.Range(0, topology.ClusterLevel + 1).Select(topology.NameOf)]);
        }

        return gang;
    }

    private static V1.GangPlan ToPlan(CoreGangs.GangPlan plan, string domain, ImmutableArray<string> levels)
    {
        var message = new V1.GangPlan
        {
            Placed = plan.IsPlaced,
            Domain = domain,
            Proof = new GangProof
            {
                Status = plan.Proof.Status switch
                {
                    ProofStatus.Optimal => GangProof.Types.Status.Optimal,
                    ProofStatus.Feasible => GangProof.Types.Status.Feasible,
                    ProofStatus.Infeasible => GangProof.Types.Status.Infeasible,
                    _ => GangProof.Types.Status.Undecided,
                },
                Method = plan.Proof.Method,
                Objective = plan.Proof.Objective,
                Bound = plan.Proof.Bound,
                GapPercent = plan.Proof.GapPercent,
                Why = plan.Proof.Why,
                Milliseconds = plan.Proof.Elapsed.TotalMilliseconds,
            },
        };

        // The levels of the network may have changed since an old plan was made.
        if (plan.DomainsUsed.Length == levels.Length)
        {
            message.DomainsUsed.AddRange(plan.DomainsUsed.Select((count, level) => new LevelUse { Level = levels[level], Domains = count }));
        }

        return message;
    }

    /// <summary>The question as a group whose members are all there.</summary>
    private PodGroup ToGroup(PlaceGangRequest request)
    {
        if (request.Roles.Count == 0)
        {
            throw PodMessage.Invalid("roles is empty: describe at least one, with a pod and a count");
        }

        var roles = ImmutableArray.CreateBuilder<PodGroupRole>();
        for (var i = 0; i < request.Roles.Count; i++)
        {
            roles.Add(ToRole(request.Roles[i], $"roles[{i}]", roles));
        }

        if (!roles.Any(r => r.Request.WantsGpu))
        {
            throw PodMessage.Invalid("no role asks for GPUs: give its pod containers with requests such as \"nvidia.com/gpu\": \"8\", or annotations for shares");
        }

        var members = roles.SelectMany(r => r.Members).ToImmutableArray();
        return new PodGroup
        {
            Key = new GangKey("", "gpuscheduler", "what-if"),
            Standing = PodGroupStanding.Complete,
            Members = members,
            Roles = roles.ToImmutable(),
            MinMembers = roles.Sum(r => r.MinMembers),
            Size = members.Length,
            Topology = ToTopology(request.Topology, members.Length),
        };
    }

    private PodGroupRole ToRole(V1.GangRole role, string field, IReadOnlyCollection<PodGroupRole> before)
    {
        if (before.Any(r => r.Part == role.Name))
        {
            throw PodMessage.Invalid($"{field}.name \"{role.Name}\" is that of another role: give each its own");
        }

        if (role.Count < 1 || role.Count + before.Sum(r => r.Members.Length) > MostMembers)
        {
            throw PodMessage.Invalid($"{field}.count is {role.Count}: 1 or more is allowed, and {MostMembers} over all roles");
        }

        var min = role.HasMin ? role.Min : role.Count;
        if (min < 0 || min > role.Count)
        {
            throw PodMessage.Invalid($"{field}.min is {min}: 0 to count ({role.Count}) is allowed");
        }

        var pod = PodMessage.Read(role.Pod, $"{field}.pod", dialects, "what-if");
        if (pod.Invalid is { } invalid)
        {
            throw PodMessage.Invalid($"{field}.pod: {invalid}");
        }

        return new PodGroupRole
        {
            Part = role.Name,
            Request = pod.Request,
            CpuMilli = pod.CpuMilli,
            MemoryBytes = pod.MemoryBytes,
            MinMembers = min,
            Members = [.. Enumerable.Range(0, role.Count).Select(i => Member(pod, role.Name, i))],
        };
    }

    private static PodInfo Member(PodInfo pod, string role, int number)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{role}-{number}");
        return pod with { Uid = "what-if/" + name, Name = name, Gang = null };
    }

    private static CoreGangs.GangTopology ToTopology(V1.GangTopology? topology, int members)
    {
        if (topology is null)
        {
            return CoreGangs.GangTopology.None;
        }

        var hasLevel = topology.SegmentRequired.Length + topology.SegmentPreferred.Length > 0;
        if (topology.SegmentSize < 0 || topology.SegmentSize > members)
        {
            throw PodMessage.Invalid($"topology.segment_size is {topology.SegmentSize}: 0 (none) to the number of members ({members}) is allowed");
        }

        if (topology.SegmentSize > 0 != hasLevel)
        {
            throw PodMessage.Invalid("topology.segment_size goes with segment_required or segment_preferred: give both or none");
        }

        return new CoreGangs.GangTopology
        {
            Required = Level(topology.Required),
            Preferred = Level(topology.Preferred),
            SegmentSize = topology.SegmentSize,
            SegmentRequired = Level(topology.SegmentRequired),
            SegmentPreferred = Level(topology.SegmentPreferred),
        };
    }

    private static TopologyLevel? Level(string name) => name.Length == 0 ? null : TopologyLevel.OfKey(name);
}
