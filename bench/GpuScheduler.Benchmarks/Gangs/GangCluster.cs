using System.Globalization;
using System.Numerics;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>
/// A synthetic cluster of 8-GPU nodes, 16 a rack, 16 racks a spine (8 below 1,000 nodes), as a scheduler that packs well but not
/// perfectly would leave it: filled with jobs of 1 to 256 GPUs, every job replaced once by another, then drained at random to the
/// utilisation that is wanted.
/// </summary>
internal sealed class GangCluster
{
    private const int GpusPerNode = 8;
    private const int NodesPerRack = 16;

    /// <summary>GPUs of a job and how often it occurs.</summary>
    private static readonly (int Gpus, int Share)[] s_mix = [(1, 22), (2, 12), (4, 12), (8, 22), (16, 12), (32, 9), (64, 6), (128, 3), (256, 2)];

    private static readonly Dictionary<(int Nodes, double Utilisation, int Seed), GangCluster> s_drawn = [];

    private readonly Random _random;
    private readonly ulong[] _idle;
    private readonly List<Job> _jobs = [];

    private GangCluster(int nodes, double utilisation, int seed)
    {
        _random = new Random(seed);
        var racksPerSpine = nodes < 1000 ? 8 : 16;
        _idle = new ulong[nodes];
        Array.Fill(_idle, 0xFFUL);
        Topology = NetworkTopology.Build(
            [new("rack", ["rack"]), new("spine", ["spine"])],
            [.. Enumerable.Range(0, nodes).Select(i => new NetworkNode(string.Create(CultureInfo.InvariantCulture, $"node-{i:D5}"), new Dictionary<string, string>
            {
                ["rack"] = string.Create(CultureInfo.InvariantCulture, $"r{i / NodesPerRack:D4}"),
                ["spine"] = string.Create(CultureInfo.InvariantCulture, $"s{i / NodesPerRack / racksPerSpine:D2}"),
            }))]);
        FillUp();
        for (var left = _jobs.Count; left > 0; left--)
        {
            Remove(_random.Next(_jobs.Count));
            FillUp();
        }

        var used = Used();
        while (used > nodes * GpusPerNode * utilisation)
        {
            used -= Remove(_random.Next(_jobs.Count)).Gpus;
        }
    }

    public NetworkTopology Topology { get; }

    /// <summary>Free GPUs by position.</summary>
    public int[] Free => [.. _idle.Select(m => BitOperations.PopCount(m))];

    /// <summary>The jobs that run.</summary>
    public IReadOnlyList<Job> Jobs => _jobs;

    /// <summary>A cluster, drawn once: several cases share it.</summary>
    public static GangCluster Of(int nodes, double utilisation, int seed)
    {
        if (!s_drawn.TryGetValue((nodes, utilisation, seed), out var cluster))
        {
            s_drawn[(nodes, utilisation, seed)] = cluster = new GangCluster(nodes, utilisation, seed);
        }

        return cluster;
    }

    /// <summary>A job size of the mix.</summary>
    public static int DrawSize(Random random)
    {
        var at = random.Next(s_mix.Sum(m => m.Share));
        foreach (var (gpus, share) in s_mix)
        {
            at -= share;
            if (at < 0)
            {
                return gpus;
            }
        }

        return 1;
    }

    private int Used() => (_idle.Length * GpusPerNode) - _idle.Sum(m => BitOperations.PopCount(m));

    private void FillUp()
    {
        for (var failures = 0; failures < 3;)
        {
            failures = Place(DrawSize(_random)) ? 0 : failures + 1;
        }
    }

    private bool Place(int gpus)
    {
        var each = Math.Min(gpus, GpusPerNode);
        var holds = new List<(int Node, ulong Mask)>();
        // Multi-node jobs begin at a random spot and go on from there; small ones go to the fullest of a few nodes that take them.
        var start = _random.Next(_idle.Length);
        for (var left = gpus; left > 0; left -= each)
        {
            var node = gpus > GpusPerNode ? Next(start, each) : Fullest(each);
            if (node < 0)
            {
                foreach (var (n, mask) in holds)
                {
                    _idle[n] |= mask;
                }

                return false;
            }

            var taken = 0UL;
            for (var i = 0; i < each; i++)
            {
                taken |= _idle[node] & ~taken & (ulong)-(long)(_idle[node] & ~taken);
            }

            _idle[node] &= ~taken;
            holds.Add((node, taken));
        }

        _jobs.Add(new Job(gpus, holds, 1 + _random.Next(3), 1 + _random.Next(100)));
        return true;
    }

    private int Next(int start, int each)
    {
        for (var i = 0; i < _idle.Length; i++)
        {
            var node = (start + i) % _idle.Length;
            if (BitOperations.PopCount(_idle[node]) >= each)
            {
                return node;
            }
        }

        return -1;
    }

    private int Fullest(int each)
    {
        var best = -1;
        for (var tries = 0; tries < 64; tries++)
        {
            var node = _random.Next(_idle.Length);
            var free = BitOperations.PopCount(_idle[node]);
            if (free >= each && (best < 0 || free < BitOperations.PopCount(_idle[best])))
            {
                best = node;
            }
        }

        return best >= 0 ? best : Next(0, each);
    }

    private Job Remove(int index)
    {
        var job = _jobs[index];
        _jobs[index] = _jobs[^1];
        _jobs.RemoveAt(_jobs.Count - 1);
        foreach (var (node, mask) in job.Holds)
        {
            _idle[node] |= mask;
        }

        return job;
    }

    /// <summary>A job that runs.</summary>
    /// <param name="Gpus">Its GPUs.</param>
    /// <param name="Holds">Which, by node.</param>
    /// <param name="Priority">From 1 to 3.</param>
    /// <param name="Hours">What it has run for.</param>
    internal sealed record Job(int Gpus, IReadOnlyList<(int Node, ulong Mask)> Holds, int Priority, int Hours);
}
