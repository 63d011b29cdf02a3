using System.Collections.Immutable;

namespace GpuScheduler.Testing;

/// <summary>An instance on a GPU: which profile (by index in the facts) at which memory slice.</summary>
public readonly record struct MigPlaced(int Profile, int Start);

/// <summary>What can be placed on GPUs in MIG mode, by exhaustive search over the published placements.</summary>
public sealed class MigOracle(MigProductFact facts)
{
    private readonly Dictionary<int, double> _values = [];
    private readonly Dictionary<string, bool> _fits = [];

    /// <summary>The facts.</summary>
    public MigProductFact Facts => facts;

    /// <summary>Every legal placement of a GPU.</summary>
    public ImmutableArray<MigPlaced> Placements { get; } =
        [.. facts.Profiles.SelectMany((p, i) => p.Starts.Select(s => new MigPlaced(i, s)))];

    /// <summary>Slices of a placement, as bits.</summary>
    public int SlicesOf(MigPlaced placed)
    {
        var slices = 0;
        for (var i = 0; i < facts.Profiles[placed.Profile].MemorySlices; i++)
        {
            slices |= 1 << (placed.Start + i);
        }

        return slices;
    }

    /// <summary>Slices of several, as bits.</summary>
    public int SlicesOf(IEnumerable<MigPlaced> placed) => placed.Aggregate(0, (mask, p) => mask | SlicesOf(p));

    /// <summary>True when one of them has media extensions.</summary>
    public bool HasMedia(IEnumerable<MigPlaced> placed) => placed.Any(p => facts.Profiles[p.Profile].MediaExtensions);

    /// <summary>True when one more can be placed beside others.</summary>
    public bool CanAdd(ImmutableArray<MigPlaced> state, MigPlaced more) =>
        (SlicesOf(state) & SlicesOf(more)) == 0 && !(facts.Profiles[more.Profile].MediaExtensions && HasMedia(state));

    /// <summary>True when these can be on one GPU together.</summary>
    public bool IsLegal(IReadOnlyList<MigPlaced> placed)
    {
        var state = ImmutableArray<MigPlaced>.Empty;
        foreach (var one in placed)
        {
            if (!facts.Profiles[one.Profile].Starts.Contains(one.Start) || !CanAdd(state, one))
            {
                return false;
            }

            state = state.Add(one);
        }

        return true;
    }

    /// <summary>Every set of instances that a GPU can have, reached one placement at a time from the empty GPU.</summary>
    public IReadOnlyList<ImmutableArray<MigPlaced>> States(bool withMedia)
    {
        var seen = new Dictionary<string, ImmutableArray<MigPlaced>>();
        var queue = new Queue<ImmutableArray<MigPlaced>>();
        queue.Enqueue([]);
        seen[""] = [];
        while (queue.TryDequeue(out var state))
        {
            foreach (var placement in Placements)
            {
                if ((!withMedia && facts.Profiles[placement.Profile].MediaExtensions) || !CanAdd(state, placement))
                {
                    continue;
                }

                var next = state.Add(placement).Sort((a, b) => a.Start.CompareTo(b.Start));
                if (seen.TryAdd(string.Join(' ', next), next))
                {
                    queue.Enqueue(next);
                }
            }
        }

        return [.. seen.Values];
    }

    /// <summary>
    /// Expected memory slices that a uniform random stream of the profiles without media extensions still gets, each placed as
    /// well as can be, until the first that finds no place.
    /// </summary>
    public double Value(int taken)
    {
        if (_values.TryGetValue(taken, out var known))
        {
            return known;
        }

        var plain = Enumerable.Range(0, facts.Profiles.Length).Where(p => !facts.Profiles[p].MediaExtensions).ToList();
        var value = 0.0;
        foreach (var profile in plain)
        {
            var futures = Placements
                .Where(p => p.Profile == profile && (SlicesOf(p) & taken) == 0)
                .Select(p => Value(taken | SlicesOf(p)))
                .ToList();
            if (futures.Count > 0)
            {
                value += (facts.Profiles[profile].MemorySlices + futures.Max()) / plain.Count;
            }
        }

        return _values[taken] = value;
    }

    /// <summary>True when so many instances of each profile fit on GPUs with these states, all together.</summary>
    public bool Fits(IReadOnlyList<(int Taken, bool Media)> gpus, IReadOnlyList<int> counts)
    {
        if (counts.All(c => c == 0))
        {
            return true;
        }

        // GPUs with equal states are alike: sorting merges what differs in order only.
        var ordered = gpus.Order().ToList();
        var key = string.Join(';', ordered) + "|" + string.Join(',', counts);
        if (_fits.TryGetValue(key, out var known))
        {
            return known;
        }

        // All of them must go somewhere, so that any may go first; a large one leaves the fewest cases.
        var profile = Enumerable.Range(0, counts.Count).Where(p => counts[p] > 0).MaxBy(p => facts.Profiles[p].MemorySlices);
        var fits = false;
        for (var gpu = 0; gpu < ordered.Count && !fits; gpu++)
        {
            if (gpu > 0 && ordered[gpu] == ordered[gpu - 1])
            {
                continue;
            }

            foreach (var placement in Placements.Where(p => p.Profile == profile))
            {
                var media = facts.Profiles[profile].MediaExtensions;
                if ((SlicesOf(placement) & ordered[gpu].Taken) != 0 || (media && ordered[gpu].Media))
                {
                    continue;
                }

                var after = ordered.ToArray();
                after[gpu] = (after[gpu].Taken | SlicesOf(placement), after[gpu].Media || media);
                var less = counts.ToArray();
                less[profile]--;
                if (Fits(after, less))
                {
                    fits = true;
                    break;
                }
            }
        }

        return _fits[key] = fits;
    }
}
