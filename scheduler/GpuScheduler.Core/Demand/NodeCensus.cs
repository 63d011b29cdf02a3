using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Demand;

/// <summary>What kinds of nodes a cluster has, and how many cards of each. Immutable, but not thread-safe.</summary>
internal sealed class NodeCensus
{
    private readonly Dictionary<NodeClass, int> _positions = [];
    private readonly List<ClassCount> _classes = [];
    private readonly Dictionary<string, bool[]> _allowed = new(StringComparer.Ordinal);

    /// <summary>Counts the nodes of a snapshot.</summary>
    public NodeCensus(Snapshot snapshot)
    {
        foreach (var node in snapshot.Nodes)
        {
            if (node is { Facts: var facts } && NodeClass.Of(facts) is { Cards: > 0 } nodeClass)
            {
                if (_positions.TryAdd(nodeClass, _classes.Count))
                {
                    _classes.Add(new ClassCount(nodeClass, 0, 0, 0, facts.Product));
                }

                var position = _positions[nodeClass];
                var same = _classes[position];
                _classes[position] = same with
                {
                    Cards = same.Cards + nodeClass.Cards,
                    MostCpuMilli = Math.Max(same.MostCpuMilli, facts.CpuMilli),
                    MostMemoryBytes = Math.Max(same.MostMemoryBytes, facts.MemoryBytes),
                };

                MostCpuMilli = Math.Max(MostCpuMilli, facts.CpuMilli);
                MostCards = Math.Max(MostCards, nodeClass.Cards);
                CpuMilli += facts.CpuMilli;
                Cards += nodeClass.Cards;
                foreach (var gpu in facts.Gpus)
                {
                    MostCardMemoryMiB = Math.Max(MostCardMemoryMiB, gpu.MemoryMiB);
                }
            }
        }

        foreach (var same in _classes)
        {
            if (same.Class.Cards == MostCards)
            {
                LargestCpuMilli = Math.Max(LargestCpuMilli, same.MostCpuMilli);
            }
        }

        foreach (var same in _classes)
        {
            if (same.Class.Cards != MostCards)
            {
                continue;
            }

            if (same.MostCpuMilli >= LargestCpuMilli * AlmostAll)
            {
                LargestCards += same.Cards;
            }
            else
            {
                NextCpuMilli = Math.Max(NextCpuMilli, same.MostCpuMilli);
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

    /// <summary>The classes of nodes with cards, in the order in which they were found.</summary>
    public IReadOnlyList<ClassCount> Classes => _classes;

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

    /// <summary>True when there are nodes of a class.</summary>
    public bool Has(in NodeClass nodeClass) => _positions.ContainsKey(nodeClass);

    /// <summary>Says which classes could take a pod of a kind when their nodes are empty.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="able">Receives a verdict for each class.</param>
    /// <returns>How many cards these classes have; 0 when no node of the cluster could take it.</returns>
    public int FindAble(in DemandKind kind, Span<bool> able)
    {
        if (!_allowed.TryGetValue(kind.Models, out var allowed))
        {
            var models = kind.Models.Length == 0 ? [] : kind.Models.Split('|');
            _allowed[kind.Models] = allowed = [.. _classes.Select(c => models.Length == 0 || GpuModelMatch.Matches(models, c.Product))];
        }

        var cards = 0;
        for (var i = 0; i < _classes.Count; i++)
        {
            able[i] = allowed[i] && _classes[i].HasRoomFor(kind);
            cards += able[i] ? _classes[i].Cards : 0;
        }

        return cards;
    }
}
