using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Runs;

namespace GpuScheduler.Simulator.Bounds;

/// <summary>What a cluster has to give before anything arrives. Cordoned nodes give nothing.</summary>
internal sealed class FreeAtStart
{
    private readonly NodeInfo[] _open;
    private readonly Dictionary<string, int> _migMilli = new(StringComparer.Ordinal);

    /// <summary>Looks at a cluster.</summary>
    public FreeAtStart(ClusterFacts facts)
    {
        _open = [.. facts.Initial.Where(n => !facts.Cluster.Cordoned.Contains(n.Facts.Name))];
        Cards = [.. _open.SelectMany(n => n.FreeCards.ToArray())];
        MigMilli = _open.Sum(n => Enumerable.Range(0, n.Facts.Gpus.Length).Where(g => (n.Facts.MigMask & (1UL << g)) != 0).Sum(g => (long)SharePacking.WholeCard - n.UsedMilliOf(g)));
    }

    /// <summary>On each card that takes pods whole or in shares, in milli-GPU; 0 for others.</summary>
    public IReadOnlyList<int> Cards { get; }

    /// <summary>On all cards in MIG mode together, in milli-GPU.</summary>
    public long MigMilli { get; }

    /// <summary>The most that a device of a MIG profile counts on any card that has it under this or a similar name, in milli-GPU; 0 when none has.</summary>
    public int MostMilli(string profile)
    {
        if (!_migMilli.TryGetValue(profile, out var most))
        {
            foreach (var geometry in _open.Select(n => n.Facts.Geometry).OfType<MigGeometry>())
            {
                if (geometry.IndexOf(profile) is >= 0 and var index)
                {
                    most = Math.Max(most, (int)Math.Ceiling((double)SharePacking.WholeCard * geometry.Profiles[index].MemorySlices / geometry.MemorySlices));
                }
            }

            _migMilli[profile] = most;
        }

        return most;
    }
}
