using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Batch;

/// <summary>
/// Improves a plan by taking some gangs away, those of one domain or any, and placing them and those that were left out anew in another
/// order. Goes on from what is hardly worse, less and less so.
/// </summary>
internal sealed class BatchNeighbourhood
{
    /// <summary>How much worse than the best, as a part of it, the plan may be at the beginning from which a step is made.</summary>
    private const double Tolerance = 0.02;

    private readonly GangBatch _batch;
    private readonly BatchState _state;
    private readonly Random _random;
    private readonly int[] _quick;
    private readonly double[] _gpus;
    private readonly bool[] _isFirst;
    private ImmutableArray<GangSlot>?[] _best;

    /// <param name="batch">The batch.</param>
    /// <param name="state">It with the plan to begin with.</param>
    /// <param name="first">Gangs that would reach a bound if there were no domains: these are tried first now and then.</param>
    /// <param name="random">Chance.</param>
    public BatchNeighbourhood(GangBatch batch, BatchState state, int[] first, Random random)
    {
        _isFirst = new bool[batch.Gangs.Length];
        foreach (var gang in first)
        {
            _isFirst[gang] = true;
        }

        _batch = batch;
        _state = state;
        _random = random;
        _quick = [.. Enumerable.Range(0, batch.Gangs.Length).Where(state.IsQuick)];
        _gpus = [.. batch.Gangs.Select(g => (double)Math.Max(1, g.Roles.Sum(r => (long)Math.Max(r.Min, 1) * r.Gpus)))];
        _best = [.. state.Slots];
        BestWorth = state.Worth;
    }

    /// <summary>The best plan.</summary>
    public ImmutableArray<GangSlot>?[] Best => _best;

    /// <summary>What it is worth.</summary>
    public long BestWorth { get; private set; }

    /// <summary>Makes steps until it is told to stop.</summary>
    /// <param name="progress">How far it is, from 0 to 1; 1 ends it. Asked before every step.</param>
    public void Run(Func<double> progress)
    {
        if (_quick.Length == 0)
        {
            return;
        }

        for (var part = progress(); part < 1; part = progress())
        {
            Step(Tolerance * (1 - part));
        }
    }

    private void Step(double tolerance)
    {
        var before = _state.Worth;
        var removed = Pick();
        var old = removed.ConvertAll(g => _state.Slots[g]!.Value);
        removed.ForEach(_state.Remove);
        var order = _quick.Where(g => _state.Slots[g] is null).ToArray();
        var keys = new double[order.Length];
        var way = _random.Next(4);
        var preferFirst = _random.Next(3) == 0;
        for (var i = 0; i < order.Length; i++)
        {
            var isFirst = preferFirst && _isFirst[order[i]];
            var weight = _batch.Gangs[order[i]].Weight * Math.Exp(_random.NextDouble());
            keys[i] = way switch { 0 => -weight, 1 => -weight / _gpus[order[i]], 2 => -_gpus[order[i]] * Math.Exp(_random.NextDouble()), _ => _random.NextDouble() } - (isFirst ? 1e12 : 0);
        }

        Array.Sort(keys, order);
        var added = new List<int>();
        foreach (var gang in order)
        {
            if (_state.TryPlace(gang, largestFirst: _random.Next(2) == 0, skip: _random.Next(8) == 0 ? 1 : 0))
            {
                added.Add(gang);
            }
        }

        if (_state.Worth > BestWorth)
        {
            BestWorth = _state.Worth;
            _best = [.. _state.Slots];
        }
        else if (_state.Worth < before && _state.Worth < BestWorth * (1 - tolerance))
        {
            added.ForEach(_state.Remove);
            for (var i = 0; i < removed.Count; i++)
            {
                _state.Put(removed[i], old[i]);
            }
        }
    }

    private bool TouchesDomain(int gang, ReadOnlySpan<int> domains, int domain)
    {
        foreach (var slot in _state.Slots[gang]!.Value)
        {
            if (domains[_batch.Topology.PlaceOf(slot.Position)] == domain)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Gangs to be taken away: a part of those in one domain, or a few of all.</summary>
    private List<int> Pick()
    {
        var placed = _quick.Where(g => _state.Slots[g] is not null).ToList();
        if (placed.Count == 0)
        {
            return [];
        }

        var seed = placed[_random.Next(placed.Count)];
        if (_random.Next(3) > 0 && _state.Slots[seed] is { IsEmpty: false } slots)
        {
            // The domains of the outermost level but one: spines.
            var level = Math.Max(1, _batch.Topology.ClusterLevel - 1);
            var domain = _batch.Topology.DomainOf(level, slots[_random.Next(slots.Length)].Position);
            var share = _random.Next(2) == 0 ? 1.0 : 0.6;
            var domains = _batch.Topology.DomainsByPlace(level);
            var near = new List<int>();
            foreach (var gang in placed)
            {
                if (_random.NextDouble() < share && TouchesDomain(gang, domains, domain))
                {
                    near.Add(gang);
                }
            }

            return near;
        }

        var most = 1 + _random.Next(Math.Min(6, placed.Count));
        for (var i = 0; i < most; i++)
        {
            var other = i + _random.Next(placed.Count - i);
            (placed[i], placed[other]) = (placed[other], placed[i]);
        }

        return placed[..most];
    }
}
