using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Fragmentation;

/// <summary>Counts pods by kind. Not thread-safe.</summary>
public sealed class TypicalPodCounts
{
    private readonly Dictionary<TypicalPod, int> _counts = [];

    /// <summary>How many pods were counted.</summary>
    public int Total { get; private set; }

    /// <summary>Counts a pod; one with MIG devices is passed over.</summary>
    public void Add(PodInfo pod)
    {
        if (TypicalPod.Of(pod) is { } kind)
        {
            _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
            Total++;
        }
    }

    /// <summary>
    /// The typical pods: the most frequent kinds that together make up 95 % of the pods, with the shares they have among themselves.
    /// Among kinds of the same count, those with more CPU come first, then more of a card, then more cards, then the later models.
    /// </summary>
    public TypicalPods ToTypicalPods()
    {
        var kinds = _counts.ToList();
        kinds.Sort(static (a, b) =>
            a.Value != b.Value ? b.Value.CompareTo(a.Value)
            : a.Key.CpuMilli != b.Key.CpuMilli ? b.Key.CpuMilli.CompareTo(a.Key.CpuMilli)
            : a.Key.Milli != b.Key.Milli ? b.Key.Milli.CompareTo(a.Key.Milli)
            : a.Key.Cards != b.Key.Cards ? b.Key.Cards.CompareTo(a.Key.Cards)
            : string.CompareOrdinal(b.Key.Models, a.Key.Models));
        var typical = new List<(TypicalPod, double)>();
        var covered = 0L;
        for (var i = 0; i < kinds.Count && covered * 100 < Total * 95L; i++)
        {
            covered += kinds[i].Value;
            typical.Add((kinds[i].Key, kinds[i].Value / (double)Total));
        }

        var share = covered / (double)Math.Max(1, Total);
        return new TypicalPods(typical.Select(t => (t.Item1, t.Item2 / share)));
    }
}
