using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Mig;

/// <summary>What a node has once a configuration is applied.</summary>
/// <param name="Geometry">The profiles of its GPUs.</param>
/// <param name="Gpus">Devices by GPU and index of the profile; null for a GPU that is not in MIG mode.</param>
public sealed record MigTarget(MigGeometry Geometry, ImmutableArray<ImmutableArray<int>?> Gpus)
{
    /// <summary>Devices on the whole node, by index of the profile.</summary>
    public ImmutableArray<int> Total { get; } = [.. Enumerable.Range(0, Geometry.Profiles.Length).Select(p => Gpus.Sum(g => g?[p] ?? 0))];

    /// <summary>GPUs that are handed out whole.</summary>
    public int Whole => Gpus.Count(g => g is null);

    /// <summary>How many GPUs of a node are cut otherwise than they would be.</summary>
    public int ChangesOn(NodeFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var changes = 0;
        for (var i = 0; i < Gpus.Length; i++)
        {
            var gpu = facts.Gpus[i];
            changes += gpu.Mig switch
            {
                MigMode.Disabled => Gpus[i] is null,
                MigMode.OnDemand => false,
                _ => Gpus[i] is { } wanted && InstancesOn(gpu).SequenceEqual(wanted),
            }
                ? 0
                : 1;
        }

        return changes;
    }

    /// <summary>True when the node hands out just what it would.</summary>
    public bool IsOfferedBy(NodeFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Gpus.Length != Gpus.Length || facts.Model?.Mig != Geometry)
        {
            return false;
        }

        // A node without MIG devices may have no list of them.
        var devices = facts.AllocatableMig.IsEmpty ? [.. Total.Select(_ => 0)] : facts.AllocatableMig;
        var instances = facts.Gpus.Select(InstancesOn).ToList();
        return devices.SequenceEqual(Total) && facts.AllocatableGpus == Whole
            && facts.Gpus.Count(g => g.Mig == MigMode.Disabled) == Whole
            && (facts.Gpus.Any(g => g.Mig == MigMode.OnDemand) || Enumerable.Range(0, Total.Length).All(p => instances.Sum(i => i[p]) == Total[p]));
    }

    private int[] InstancesOn(GpuInfo gpu)
    {
        var counts = new int[Geometry.Profiles.Length];
        foreach (var instance in gpu.Instances)
        {
            if (Geometry.IndexOf(instance.Placement.Profile) is >= 0 and var profile)
            {
                counts[profile]++;
            }
        }

        return counts;
    }
}
