using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Demand;

/// <summary>What kinds of nodes a cluster has, and how many cards of each. Immutable.</summary>
internal sealed class NodeCensus
{
    private readonly Dictionary<NodeClass, (int Cards, string Product)> _classes = [];

    /// <summary>Counts the nodes of a snapshot.</summary>
    public NodeCensus(Snapshot snapshot)
    {
        foreach (var node in snapshot.Nodes)
        {
            if (node is { Facts: var facts } && NodeClass.Of(facts) is { Cards: > 0 } key)
            {
                _classes[key] = (_classes.GetValueOrDefault(key).Cards + key.Cards, facts.Product);
                MostCpuMilli = Math.Max(MostCpuMilli, facts.CpuMilli);
                MostCards = Math.Max(MostCards, key.Cards);
                CpuMilli += facts.CpuMilli;
                Cards += key.Cards;
                foreach (var gpu in facts.Gpus)
                {
                    MostCardMemoryMiB = Math.Max(MostCardMemoryMiB, gpu.MemoryMiB);
                }
            }
        }

        foreach (var key in _classes.Keys)
        {
            if (key.Cards == MostCards)
            {
                LargestCpuMilli = Math.Max(LargestCpuMilli, key.Cores * 1000);
            }
        }

        foreach (var (key, (cards, _)) in _classes)
        {
            if (key.Cards != MostCards)
            {
                continue;
            }

            if (key.Cores * 1000 >= LargestCpuMilli * AlmostAll)
            {
                LargestCards += cards;
            }
            else
            {
                NextCpuMilli = Math.Max(NextCpuMilli, key.Cores * 1000);
            }
        }
    }

    /// <summary>Nodes that have so much of the CPU of the largest count as equally large.</summary>
    public const double AlmostAll = 0.9;

    /// <summary>CPU of the largest node among those with the most cards, in milli-CPU.</summary>
    public long LargestCpuMilli { get; }

    /// <summary>CPU of the largest that is not <see cref="AlmostAll"/> as large, in milli-CPU; 0 when there is none.</summary>
    public long NextCpuMilli { get; }

    /// <summary>Cards of the largest nodes.</summary>
    public int LargestCards { get; }

    /// <summary>The classes of nodes with cards, how many cards all nodes of each have, and their product.</summary>
    public IReadOnlyDictionary<NodeClass, (int Cards, string Product)> Classes => _classes;

    /// <summary>CPU of the largest node with cards, in milli-CPU.</summary>
    public long MostCpuMilli { get; }

    /// <summary>Most cards of a node.</summary>
    public int MostCards { get; }

    /// <summary>CPU of all nodes with cards, in milli-CPU.</summary>
    public long CpuMilli { get; }

    /// <summary>Memory of the largest card, in MiB; 0 when no node tells.</summary>
    public int MostCardMemoryMiB { get; }

    /// <summary>All cards.</summary>
    public int Cards { get; }
}
