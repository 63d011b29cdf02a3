using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Groups;

/// <summary>The PodGroup objects of schedulers beside Kubernetes' own.</summary>
internal static class PodGroupObjects
{
    /// <summary>The label by which Volcano tells tasks apart, and so the only one by which its subgroups can be found again.</summary>
    private const string VolcanoTask = "volcano.sh/task-spec";

    /// <summary>PodGroup of scheduler-plugins, whose form Koordinator has taken over.</summary>
    public static GroupObject Coscheduling(ObjectFields fields, GroupObject item) => item with
    {
        MinMembers = fields.Count("spec", "minMember"),
        Timeout = Seconds(fields.Count("spec", "scheduleTimeoutSeconds")),
        Succeeded = fields.Count("status", "succeeded") ?? 0,
    };

    /// <summary>PodGroup of Volcano.</summary>
    public static GroupObject Volcano(ObjectFields fields, GroupObject item)
    {
        var min = fields.Count("spec", "minMember");
        var tasks = fields.Object("spec", "minTaskMember");
        var parts = fields.Keys("spec", "minTaskMember").Select(task => new PodGroupPart(task, tasks!.Count(task) ?? 0)).ToList();

        // Volcano looks at the minimum of the tasks only where that of the group does not fall short of them.
        if (min < parts.Sum(p => (long)p.MinMembers))
        {
            parts = parts.ConvertAll(p => p with { MinMembers = 0 });
        }

        var topology = NetworkTopology(fields.Object("spec", "networkTopology"));
        foreach (var policy in fields.List("spec", "subGroupPolicy"))
        {
            var size = policy.Count("subGroupSize") ?? 1;
            var level = NetworkTopology(policy.Object("networkTopology"));
            var segments = new GangTopology { SegmentSize = size, SegmentRequired = level.Required, SegmentPreferred = level.Preferred };
            if (policy.Object("labelSelector") is not { } selector)
            {
                topology = topology with { SegmentSize = size, SegmentRequired = level.Required, SegmentPreferred = level.Preferred };
                continue;
            }

            if (selector.Text("matchLabels", VolcanoTask) is not { } task || selector.Keys("matchLabels").Count != 1 || selector.List("matchExpressions").Count > 0)
            {
                policy.Fail($"{policy.Name("labelSelector")} must select by label {VolcanoTask} alone");
                continue;
            }

            var at = parts.FindIndex(p => p.Name == task);
            if (at < 0)
            {
                at = parts.Count;
                parts.Add(new PodGroupPart(task, 0));
            }

            parts[at] = parts[at] with
            {
                MinMembers = (int)Math.Max(parts[at].MinMembers, Math.Min((long)size * (policy.Count("minSubGroups") ?? 0), int.MaxValue)),
                Topology = level == GangTopology.None ? GangTopology.None : segments,
            };
        }

        return item with
        {
            MinMembers = min,
            Parts = [.. parts.OrderBy(p => p.Name, StringComparer.Ordinal)],
            Topology = topology is { Required: null, Preferred: null, SegmentRequired: null, SegmentPreferred: null } ? GangTopology.None : topology,
            Succeeded = fields.Count("status", "succeeded") ?? 0,
        };
    }

    /// <summary>PodGroup of KAI.</summary>
    public static GroupObject Kai(ObjectFields fields, GroupObject item)
    {
        var parts = ImmutableArray.CreateBuilder<PodGroupPart>();
        var children = new Dictionary<string, int>(StringComparer.Ordinal);
        var least = new List<(string Parent, int Children)>();
        AddLeast("", fields.Object("spec"));
        foreach (var group in fields.List("spec", "subGroups"))
        {
            if (group.Text("name") is not { } name)
            {
                group.Fail($"{group.Name("name")} is missing");
                continue;
            }

            var parent = group.Text("parent");
            children[parent ?? ""] = children.GetValueOrDefault(parent ?? "") + 1;
            AddLeast(name, group);
            parts.Add(new PodGroupPart(name, group.Count("minMember") ?? 0) { Parent = parent, Topology = Constraint(group.Object("topologyConstraint")) });
        }

        return item with
        {
            MinMembers = fields.Count("spec", "minMember") is > 0 and var min ? min : null,
            Parts = parts.ToImmutable(),

            // Fewer subgroups than there are: their pods come one subgroup after the other, or not at all.
            PartsInOrder = least.Exists(l => l.Children < children.GetValueOrDefault(l.Parent)),
            Topology = Constraint(fields.Object("spec", "topologyConstraint")),
            Succeeded = fields.Count("status", "succeeded") ?? 0,
        };

        void AddLeast(string parent, ObjectFields? group)
        {
            if (group?.Count("minSubGroup") is { } count)
            {
                least.Add((parent, count));
            }
        }
    }

    private static TimeSpan? Seconds(int? seconds) => seconds is > 0 and var some ? TimeSpan.FromSeconds(some) : null;

    private static GangTopology NetworkTopology(ObjectFields? fields)
    {
        if (fields is null)
        {
            return GangTopology.None;
        }

        var tier = fields.Count("highestTierAllowed");
        var name = fields.Text("highestTierName");
        if (tier is not null && name is not null)
        {
            fields.Fail($"{fields.Name("highestTierAllowed")} and {fields.Name("highestTierName")} cannot both be set");
        }

        TopologyLevel? level = name is not null ? TopologyLevel.OfKey(name) : tier > 0 ? TopologyLevel.OfTier(tier.Value) : null;
        return level is null ? GangTopology.None
            : fields.Text("mode") == "soft" ? new GangTopology { Preferred = level }
            : new GangTopology { Required = level };
    }

    private static GangTopology Constraint(ObjectFields? fields)
    {
        var required = fields?.Text("requiredTopologyLevel");
        var preferred = fields?.Text("preferredTopologyLevel");
        return required is null && preferred is null
            ? GangTopology.None
            : new GangTopology
            {
                Required = required is null ? null : TopologyLevel.OfKey(required),
                Preferred = preferred is null ? null : TopologyLevel.OfKey(preferred),
            };
    }
}
