using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// The criteria of a placement inside one domain, packed into one number so that each outweighs all after it: domains used, from the
/// level just inside the domain inwards, as far as nodes say where they are; then what is stranded and how many nodes are used.
/// </summary>
internal sealed class TreeWeights
{
    /// <summary>Sums stay below this, so that adding to <see cref="Never"/> does not wrap round.</summary>
    private const double MostSum = 1L << 60;

    /// <summary>The cost of what cannot be.</summary>
    public const long Never = long.MaxValue / 4;

    private long[] _open = [];

    /// <summary>The outermost level that is counted; -1 when none is.</summary>
    public int FirstLevel { get; private set; }

    /// <summary>What using a node costs.</summary>
    public long Node { get; private set; }

    /// <summary>What each unit of <see cref="IGangCapacity.Stranded"/> costs.</summary>
    public long Stranded { get; private set; }

    /// <summary>What using a domain of a level costs; 0 for levels that are not counted.</summary>
    public long Open(int level) => _open[level];

    /// <summary>The number of domains of <see cref="FirstLevel"/> in a cost.</summary>
    public int FirstOf(long cost) => FirstLevel < 0 ? 0 : (int)(cost / _open[FirstLevel]);

    /// <summary>The outermost level inside a domain on which some node says where it is; -1 when there is none.</summary>
    public static int FirstLevelInside(NetworkTopology topology, int level, int domain)
    {
        var named = level == NetworkTopology.NodeLevel ? 0 : topology.Domains(level)[domain].NamedInside;
        return named == 0 ? -1 : int.Log2(named);
    }

    /// <summary>Weighs for one domain.</summary>
    /// <param name="topology">The network.</param>
    /// <param name="level">Level of the domain.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="members">Members to be placed.</param>
    /// <param name="mostStranded">The most that is stranded on one node.</param>
    /// <param name="objective">The order of the last two.</param>
    public void Fill(NetworkTopology topology, int level, int domain, int members, int mostStranded, GangObjective objective)
    {
        if (_open.Length <= topology.ClusterLevel)
        {
            _open = new long[topology.ClusterLevel + 1];
        }

        Array.Clear(_open);
        FirstLevel = FirstLevelInside(topology, level, domain);
        var nodes = level == NetworkTopology.NodeLevel ? 1 : Math.Min(topology.Domains(level)[domain].Count, members);
        var weight = 1.0;
        if (objective.NodesBeforeStranding)
        {
            Stranded = Next(ref weight, (double)nodes * mostStranded);
            Node = Next(ref weight, nodes);
        }
        else
        {
            Node = Next(ref weight, nodes);
            Stranded = Next(ref weight, (double)nodes * mostStranded);
        }

        if (FirstLevel < 0)
        {
            return;
        }

        var named = topology.Domains(level)[domain].NamedInside;
        for (var inner = 1; inner <= FirstLevel; inner++)
        {
            if ((named & (1 << inner)) != 0)
            {
                _open[inner] = Next(ref weight, Math.Min(topology.CountInside(level, domain, inner), members));
            }
        }

        if (weight > MostSum)
        {
            // Too many criteria for one number: the last ones are left out.
            Node = Stranded = 0;
            weight = 1.0;
            for (var inner = 1; inner <= FirstLevel; inner++)
            {
                _open[inner] = _open[inner] == 0 ? 0 : Next(ref weight, Math.Min(topology.CountInside(level, domain, inner), members));
            }
        }
    }

    private static long Next(ref double weight, double most)
    {
        var own = weight > MostSum ? 0 : (long)weight;
        weight *= most + 1;
        return own;
    }
}
