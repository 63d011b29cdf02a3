using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Groups;

/// <summary>Kubernetes' own objects (scheduling.k8s.io).</summary>
internal static class NativeGroups
{
    /// <summary>PodGroup of v1alpha2 and later.</summary>
    public static GroupObject PodGroup(ObjectFields fields, GroupObject item)
    {
        var levels = fields.List("spec", "schedulingConstraints", "topology");
        if (levels.Count > 1)
        {
            fields.Fail("spec.schedulingConstraints.topology names several levels, and one is allowed");
        }

        var level = levels.Count == 0 ? null : levels[0].Text("key");
        return item with
        {
            MinMembers = MinCount(fields, "spec", "schedulingPolicy"),
            IsGang = fields.Object("spec", "schedulingPolicy", "gang") is not null,
            Priority = fields.Integer("spec", "priority"),
            Topology = level is null ? GangTopology.None : new GangTopology { Required = TopologyLevel.OfKey(level) },
        };
    }

    /// <summary>Workload of v1alpha1, each of whose pod groups is a gang of its own, or several by replica key.</summary>
    public static GroupObject Workload(ObjectFields fields, GroupObject item)
    {
        var parts = ImmutableArray.CreateBuilder<PodGroupPart>();
        foreach (var group in fields.List("spec", "podGroups"))
        {
            if (group.Text("name") is { } name)
            {
                parts.Add(new PodGroupPart(name, MinCount(group, "policy") ?? 0));
            }
        }

        return item with { Parts = parts.ToImmutable() };
    }

    /// <summary>The minimum of a policy; null for one without a gang.</summary>
    private static int? MinCount(ObjectFields fields, params ReadOnlySpan<string> policy)
    {
        if (fields.Object(policy) is not { } found)
        {
            fields.Fail($"{fields.Name(policy)} is missing");
            return null;
        }

        if (found.Object("gang") is not { } gang)
        {
            return null;
        }

        var min = gang.Count("minCount");
        if (min is null or 0)
        {
            gang.Fail($"{gang.Name("minCount")} must be a whole number from 1 on");
        }

        return min;
    }
}
