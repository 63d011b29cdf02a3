using System.Collections.Immutable;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>Makes one <see cref="PodGroup"/> of what the members of a gang say and what its object says.</summary>
public static class PodGroupResolver
{
    /// <summary>Resolves a group. It depends on nothing but its arguments, and not on the order of the pods.</summary>
    /// <param name="key">Which gang.</param>
    /// <param name="pods">The pods whose <see cref="PodInfo.Gang"/> has this key, each once.</param>
    /// <param name="objects">The objects that declare groups.</param>
    public static PodGroup Resolve(GangKey key, IEnumerable<PodInfo> pods, GroupObjectTable objects)
    {
        ArgumentNullException.ThrowIfNull(pods);
        ArgumentNullException.ThrowIfNull(objects);

        var alive = pods.Where(p => p.Gang is not null && !p.IsTerminating).ToList();
        alive.Sort(Order);
        var group = new PodGroup { Key = key, Standing = PodGroupStanding.Waiting, Reason = "none of its members is present" };
        if (alive.Count == 0)
        {
            return group;
        }

        GroupObject? declared = null;
        if (alive[0].Gang!.Object is { } id)
        {
            group = group with { Object = id };
            objects.TryGet(id, out declared);
        }

        // Pods of an object of the same name that was deleted are only waiting for the garbage collector.
        if (declared is { Uid.Length: > 0 })
        {
            alive.RemoveAll(p => p.Gang!.ObjectUid is { } uid && uid != declared.Uid);
            if (alive.Count == 0)
            {
                return group;
            }
        }

        var members = alive.Where(p => GateOfOthers(p) is null).ToImmutableArray();
        group = group with { Members = members, Priority = declared?.Priority ?? (members.IsEmpty ? 0 : members.Min(m => m.Priority)) };
        if (alive.FirstOrDefault(p => p.Gang!.Invalid is not null) is { } wrong)
        {
            return Invalid(group, $"pod {wrong}: {wrong.Gang!.Invalid}");
        }

        if (declared is null && group.Object is not null && Undeclared(group, alive, objects) is { } undeclared)
        {
            return undeclared;
        }

        return declared?.Invalid is { } why ? Invalid(group, $"{declared.Id}: {why}") : Measure(group, alive, declared);
    }

    /// <summary>Bound ones first, then by index and name: in this order members are counted on.</summary>
    private static int Order(PodInfo a, PodInfo b)
    {
        var order = (a.NodeName is null).CompareTo(b.NodeName is null);
        order = order != 0 ? order : (a.Gang!.Index ?? long.MaxValue).CompareTo(b.Gang!.Index ?? long.MaxValue);
        order = order != 0 ? order : string.CompareOrdinal(a.Name, b.Name);
        return order != 0 ? order : string.CompareOrdinal(a.Uid, b.Uid);
    }

    private static string? GateOfOthers(PodInfo pod) => pod.SchedulingGates.FirstOrDefault(g => g != GpuAnnotations.GangGate);

    private static PodGroup Invalid(PodGroup group, string reason) => group with { Standing = PodGroupStanding.Invalid, Reason = reason };

    private static PodGroup Single(PodGroup group, string reason) => group with { Standing = PodGroupStanding.Single, Reason = reason, MinMembers = 1 };

    private static PodGroup Waiting(PodGroup group, string reason) => group with { Standing = PodGroupStanding.Waiting, Reason = reason };

    /// <summary>What to make of a group whose object is not known; null when the pods say enough.</summary>
    private static PodGroup? Undeclared(PodGroup group, List<PodInfo> pods, GroupObjectTable objects)
    {
        var id = group.Object!.Value;
        var isServed = objects.IsServed(id.Kind);
        var areEnough = pods.Any(p => p.Gang!.MinMembers is not null || p.Gang.Size is not null);
        if (GangDialects.Find(group.Key.Dialect).Tier == GangTier.Controller)
        {
            // A controller's object is there before its pods, so that it is on its way; pods without a controller were left behind.
            return isServed && pods.Exists(p => p.Gang!.IsOwned) ? Waiting(group, $"{id} was not seen yet")
                : areEnough ? null
                : Single(group, isServed ? $"{id} does not exist, so that its pods are placed one by one" : $"{id} cannot be read, so that its pods are placed one by one");
        }

        return areEnough ? null : Waiting(group, isServed
            ? $"{id} does not exist: create it, or give the size of the gang with annotation {GpuAnnotations.GangSize}"
            : $"{id} cannot be read: install its kind and let gpu-scheduler list and watch it, or give the size of the gang with annotation {GpuAnnotations.GangSize}");
    }

    /// <summary>How many members of which part are needed, and whether they are there.</summary>
    private static PodGroup Measure(PodGroup group, List<PodInfo> alive, GroupObject? declared)
    {
        var problem = new Agreement(group.Object);
        var min = problem.On("the members it needs", alive, g => g.MinMembers);
        var size = problem.On("the size of the gang", alive, g => g.Size);
        var parts = declared?.Parts ?? [];
        var objectMin = declared?.MinMembers;
        if (GangDialects.Find(group.Key.Dialect).PartIsGroup && declared is not null)
        {
            var own = parts.FirstOrDefault(p => p.Name == alive[0].Gang!.Role);
            if (own is null)
            {
                return Invalid(group, $"{declared.Id} has no pod group \"{alive[0].Gang!.Role}\"");
            }

            // A part without a minimum is not a gang.
            objectMin = own.MinMembers;
            parts = [];
        }

        min = problem.With(min, objectMin, "the members it needs");
        size = problem.With(size, declared?.Size, "the size of the gang");
        var timeout = problem.With(problem.On("how long they may wait", alive, g => g.Timeout), declared?.Timeout, "how long members may wait");
        var topology = problem.With(problem.OnTopology(alive, g => g.Topology), declared?.Topology ?? GangTopology.None);
        parts = problem.Parts(parts, alive);
        group = group with { Timeout = timeout, Topology = topology, Parts = parts };
        if (problem.Reason is { } disagreement)
        {
            return Invalid(group, disagreement);
        }

        if (declared is { IsGang: false } && !alive.Any(p => p.Gang!.IsAsked))
        {
            return Single(group, $"{declared.Id} does not make a gang of its pods");
        }

        var leaves = parts.Where(p => !parts.Any(c => c.Parent == p.Name)).ToList();
        if (leaves.Sum(p => (long)p.MinMembers) > GangReader.MostMembers)
        {
            return Invalid(group, $"the parts of the gang need more than {GangReader.MostMembers} members together: correct them");
        }

        var members = group.Members.GroupBy(m => m.Gang!.Role, StringComparer.Ordinal).ToDictionary(m => m.Key, m => m.Count(), StringComparer.Ordinal);
        if (declared is { PartsInOrder: true })
        {
            var begun = alive.Select(p => p.Gang!.Role).ToHashSet(StringComparer.Ordinal);
            leaves.RemoveAll(p => !begun.Contains(p.Name));
            min = Math.Min(min ?? int.MaxValue, leaves.Sum(p => p.MinMembers));
        }

        var ofParts = leaves.Sum(p => p.MinMembers);
        if (min is null && size is null && ofParts == 0 && declared is null)
        {
            return Invalid(group, $"nothing says how many members the gang has: add annotation {GpuAnnotations.GangSize} or {GpuAnnotations.GangMinMembers} to its pods");
        }

        var needed = Math.Max(min ?? (ofParts > 0 ? ofParts : size ?? 0), ofParts);
        if (Contradiction(needed, size, parts, topology) is { } contradiction)
        {
            return Invalid(group, contradiction);
        }

        // Members that have done their work need no place again, whichever part they were of.
        var done = Math.Min(declared?.Succeeded ?? 0, needed);
        needed = Math.Max(needed - done, 1);
        group = group with { MinMembers = needed, Size = Math.Max((size ?? 0) - done, Math.Max(needed, group.Members.Length)) };
        if (needed == 1 && topology == GangTopology.None && parts.All(p => p.Topology == GangTopology.None))
        {
            return Single(group, "one member is enough to start");
        }

        var missing = new List<string>();
        var spare = done;
        foreach (var part in leaves)
        {
            var present = members.GetValueOrDefault(part.Name);
            var lacking = part.MinMembers - present;
            if (lacking > spare)
            {
                missing.Add($"{part.Name}: {present} of {part.MinMembers}");
            }

            spare -= Math.Clamp(lacking, 0, spare);
        }

        if (missing.Count > 0 || group.Members.Length < needed)
        {
            return Waiting(group, Absence(group, alive, needed, missing));
        }

        var roles = Roles(group.Members, leaves, needed);
        return group with { Standing = PodGroupStanding.Complete, Reason = "", MinMembers = roles.Sum(r => r.MinMembers), Roles = roles };
    }

    private static string? Contradiction(int needed, int? size, ImmutableArray<PodGroupPart> parts, GangTopology topology)
    {
        if (needed > size)
        {
            return $"the gang needs {needed} members and has {size}: correct one of the two";
        }

        if (parts.FirstOrDefault(p => p.MinMembers > p.Size) is { } part)
        {
            return $"part \"{part.Name}\" of the gang needs {part.MinMembers} members and has {part.Size}: correct one of the two";
        }

        return topology.SegmentSize > Math.Max(needed, size ?? needed)
            ? $"the gang is to be cut into segments of {topology.SegmentSize} members and has {Math.Max(needed, size ?? needed)}: correct one of the two"
            : null;
    }

    private static string Absence(PodGroup group, List<PodInfo> alive, int needed, List<string> missing)
    {
        var reason = $"{group.Members.Length} of {needed} members present";
        if (missing.Count > 0)
        {
            reason += $" ({string.Join(", ", missing)})";
        }

        var held = alive.Count - group.Members.Length;
        return held == 0 ? reason : $"{reason}, {held} held back by scheduling gate {alive.Select(GateOfOthers).First(g => g is not null)}";
    }

    /// <summary>Members that are alike, with how many of them are needed: in their order, first what each part needs, then what the gang needs beyond.</summary>
    private static ImmutableArray<PodGroupRole> Roles(ImmutableArray<PodInfo> members, List<PodGroupPart> parts, int needed)
    {
        var required = new HashSet<PodInfo>(ReferenceEqualityComparer.Instance);
        foreach (var part in parts)
        {
            required.UnionWith(members.Where(m => m.Gang!.Role == part.Name).Take(part.MinMembers));
        }

        foreach (var member in members)
        {
            if (required.Count >= needed)
            {
                break;
            }

            required.Add(member);
        }

        return
        [
            .. members.GroupBy(m => (Part: m.Gang!.Role, m.Request, m.CpuMilli, m.MemoryBytes, m.Demands)).Select(alike => new PodGroupRole
            {
                Part = alike.Key.Part,
                Request = alike.Key.Request,
                CpuMilli = alike.Key.CpuMilli,
                MemoryBytes = alike.Key.MemoryBytes,
                Demands = alike.Key.Demands,
                MinMembers = alike.Count(required.Contains),
                Members = [.. alike.OrderBy(m => !required.Contains(m))],
            }),
        ];
    }

    /// <summary>What members and object say of one thing has to be the same; the first disagreement is kept.</summary>
    private sealed class Agreement(GroupObjectId? declaring)
    {
        public string? Reason { get; private set; }

        public T? On<T>(string what, IEnumerable<PodInfo> pods, Func<GangMembership, T?> say)
            where T : struct
        {
            PodInfo? first = null;
            foreach (var pod in pods)
            {
                if (say(pod.Gang!) is not { } value)
                {
                    continue;
                }

                first ??= pod;
                if (!value.Equals(say(first.Gang!)))
                {
                    Reason ??= $"pods {first} and {pod} disagree on {what}: {say(first.Gang!)} and {value}";
                }
            }

            return first is null ? null : say(first.Gang!);
        }

        public GangTopology OnTopology(IEnumerable<PodInfo> pods, Func<GangMembership, GangTopology> say)
        {
            GangTopology? all = null;
            PodInfo? first = null;
            foreach (var pod in pods)
            {
                var own = say(pod.Gang!);
                if (own == GangTopology.None)
                {
                    continue;
                }

                first ??= pod;
                all ??= own;
                if (own != all)
                {
                    Reason ??= $"pods {first} and {pod} disagree on how close the gang has to be: let them carry the same topology annotations";
                }
            }

            return all ?? GangTopology.None;
        }

        public T? With<T>(T? ofPods, T? ofObject, string what)
            where T : struct
        {
            if (ofPods is { } a && ofObject is { } b && !a.Equals(b))
            {
                Reason ??= $"{declaring} and its pods disagree on {what}: {b} and {a}";
            }

            return ofPods ?? ofObject;
        }

        public GangTopology With(GangTopology ofPods, GangTopology ofObject)
        {
            if (ofPods.And(ofObject) is { } both)
            {
                return both;
            }

            Reason ??= $"{declaring} and its pods disagree on how close the gang has to be: let them say the same";
            return ofPods;
        }

        /// <summary>The object's parts, and those that only pods name, with what pods say of theirs.</summary>
        public ImmutableArray<PodGroupPart> Parts(ImmutableArray<PodGroupPart> declared, List<PodInfo> pods)
        {
            var parts = declared.ToBuilder();
            foreach (var role in pods.GroupBy(p => p.Gang!.Role, StringComparer.Ordinal).OrderBy(r => r.Key, StringComparer.Ordinal))
            {
                if (role.Key.Length == 0)
                {
                    continue;
                }

                var min = On($"the members that part \"{role.Key}\" needs", role, g => g.RoleMinMembers);
                var topology = OnTopology(role, g => g.RoleTopology);
                var at = parts.Select(p => p.Name).ToList().IndexOf(role.Key);
                if (at < 0 && min is null && topology == GangTopology.None)
                {
                    continue;
                }

                if (at < 0)
                {
                    parts.Add(new PodGroupPart(role.Key, min ?? 0) { Topology = topology });
                    continue;
                }

                var part = parts[at];
                parts[at] = part with
                {
                    MinMembers = With(min, part.MinMembers, $"the members that part \"{role.Key}\" needs") ?? 0,
                    Topology = With(topology, part.Topology),
                };
            }

            if (pods[0].Gang is { IsBundle: true } bundled)
            {
                // A group of which nothing is there yet is waited for all the same.
                parts.AddRange(bundled.Key.Name.Split(':').Except(parts.Select(p => p.Name)).Select(name => new PodGroupPart(name, 1)));
            }

            return parts.ToImmutable();
        }
    }
}
