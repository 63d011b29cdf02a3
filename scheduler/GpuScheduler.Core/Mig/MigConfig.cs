using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Mig;

/// <summary>A named configuration, as mig-parted has it.</summary>
/// <param name="Name">Its name: what the label <see cref="MigLabels.Config"/> takes.</param>
/// <param name="Parts">What it says of which GPUs.</param>
public sealed record MigConfig(string Name, ImmutableArray<MigConfigPart> Parts)
{
    /// <summary>
    /// What the GPUs of a node would be like. It has to say something of each of them, so that nothing has to be guessed: which GPU is
    /// which, and what becomes of the others.
    /// </summary>
    /// <param name="facts">The node.</param>
    /// <param name="target">What it would have.</param>
    /// <param name="why">Why it cannot be used there, in words.</param>
    public bool TryApply(NodeFacts facts, [NotNullWhen(true)] out MigTarget? target, out string why)
    {
        ArgumentNullException.ThrowIfNull(facts);
        (target, why) = (null, "");
        if (facts.Model?.Mig is not { } geometry || facts.Gpus.IsEmpty)
        {
            why = $"the MIG profiles of \"{facts.Product}\" are not known";
            return false;
        }

        var gpus = new ImmutableArray<int>?[facts.Gpus.Length];
        var said = new bool[gpus.Length];
        foreach (var part in Parts)
        {
            if (!part.DeviceIds.IsEmpty && !part.DeviceIds.Any(id => MigDeviceIds.Of(facts.Model).Contains(id, StringComparer.OrdinalIgnoreCase)))
            {
                continue;
            }

            if (!TryCount(geometry, part, out var counts, out why))
            {
                return false;
            }

            foreach (var gpu in part.Gpus ?? [.. Enumerable.Range(0, gpus.Length)])
            {
                if (gpu < gpus.Length)
                {
                    (gpus[gpu], said[gpu]) = (counts, true);
                }
            }
        }

        if (Array.IndexOf(said, false) is >= 0 and var silent)
        {
            why = $"{Name} says nothing of GPU {silent} of a node with {gpus.Length} {facts.Product}";
            return false;
        }

        target = new MigTarget(geometry, [.. gpus]);
        return true;
    }

    private bool TryCount(MigGeometry geometry, MigConfigPart part, out ImmutableArray<int>? counts, out string why)
    {
        (counts, why) = (null, "");
        if (!part.IsEnabled)
        {
            return true;
        }

        var each = new int[geometry.Profiles.Length];
        foreach (var (profile, count) in part.Devices)
        {
            var index = geometry.IndexOf(profile);
            if (index < 0)
            {
                why = $"{Name} has {profile}, which these GPUs do not have";
                return false;
            }

            each[index] += count;
        }

        if (MigLayout.TryLayOut(geometry, each, 1) is null)
        {
            why = $"the devices of {Name} do not fit on one of these GPUs";
            return false;
        }

        counts = [.. each];
        return true;
    }
}
