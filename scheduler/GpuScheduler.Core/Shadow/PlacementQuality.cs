using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Plugins;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Shadow;

/// <summary>How good the places of some pods are, whoever chose them.</summary>
public sealed class PlacementQuality
{
    private readonly NetworkTopology _network;
    private readonly int _level;
    private readonly Lazy<ImmutableArray<long>> _largest;
    private readonly Dictionary<GangKey, (HashSet<int> Domains, long Gpus)> _gangs = [];
    private double _links;
    private int _linked;

    /// <summary>None so far.</summary>
    public PlacementQuality(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        _network = snapshot.Topology;
        _level = _network.Levels.IsEmpty ? NetworkTopology.NodeLevel : 1;
        _largest = new(() => Largest(snapshot));
    }

    /// <summary>
    /// Pods of two GPUs and more: the mean of what the score for topology finds of their sets, from 0 to 1 (<see cref="Topology"/>); null without
    /// such a pod.
    /// </summary>
    public double? LinkRatio => _linked == 0 ? null : _links / _linked;

    /// <summary>
    /// Gangs of whole GPUs: how many domains of the innermost network level that nodes name they are in (nodes, if none is named), over the least
    /// that could hold so many GPUs in an empty cluster; the mean, 1 at best; null without such a gang.
    /// </summary>
    public double? GangSpread => _gangs.Count == 0 ? null : _gangs.Values.Average(g => g.Domains.Count / (double)Least(g.Gpus));

    /// <summary>Counts a pod.</summary>
    /// <param name="allocation">What it holds.</param>
    /// <param name="node">Its node.</param>
    /// <param name="position">The position of the node.</param>
    public void Add(Allocation allocation, NodeFacts node, int position)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        ArgumentNullException.ThrowIfNull(node);
        var request = allocation.Pod.Request;
        var gpus = allocation.Devices.Devices.Where(d => d.IsWhole).Select(d => node.PositionOf(d)).Where(g => (uint)g < (uint)node.Gpus.Length).ToArray();
        if (request.WholeGpus >= 2 && gpus.Length == request.WholeGpus)
        {
            var bandwidth = 0L;
            for (var a = 0; a < gpus.Length; a++)
            {
                for (var b = 0; b < a; b++)
                {
                    bandwidth += node.Links.NvlinkMBps(gpus[a], gpus[b]);
                }
            }

            _links += Topology.Ratio(request, node, bandwidth);
            _linked++;
        }

        if (allocation.Pod.Gang is { Key: var key } && request.WholeGpus > 0 && _network.DomainOf(_level, position) is >= 0 and var domain)
        {
            var gang = _gangs.GetValueOrDefault(key);
            gang.Domains ??= [];
            gang.Domains.Add(domain);
            _gangs[key] = gang with { Gpus = gang.Gpus + request.WholeGpus };
        }
    }

    /// <summary>The fewest domains that have so many GPUs: the largest ones.</summary>
    private int Least(long gpus)
    {
        var at = _largest.Value.BinarySearch(gpus);
        return Math.Max(1, Math.Min(_largest.Value.Length, (at < 0 ? ~at : at) + 1));
    }

    /// <summary>How many GPUs the largest domain has, the two largest together, and so on.</summary>
    private ImmutableArray<long> Largest(Snapshot snapshot)
    {
        var gpus = new long[_network.Domains(_level).Length];
        for (var position = 0; position < snapshot.Nodes.Length; position++)
        {
            if (snapshot.Nodes[position] is { } node && _network.DomainOf(_level, position) is >= 0 and var domain)
            {
                gpus[domain] += node.Facts.Gpus.Length;
            }
        }

        var sum = 0L;
        return [.. gpus.Where(g => g > 0).OrderDescending().Select(g => sum += g)];
    }
}
