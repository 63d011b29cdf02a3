using System.Collections.Immutable;

namespace GpuScheduler.Core.Mig;

/// <summary>Which demands a supply of slots serves, so that the worth is greatest.</summary>
/// <remarks>
/// Demands are augmented one after another, the worthiest first, along paths of swaps; a demand once served stays served. That is
/// optimal, because the sets of requests that can be served together are a matroid (transversal), for which the greedy is.
/// </remarks>
internal static class MigFlow
{
    /// <summary>The requests served by demand, and their worth.</summary>
    public static (ImmutableArray<int> Served, long Worth) Serve(MigProblem problem, ReadOnlySpan<long> supply)
    {
        var flow = new Flow(problem, supply);
        var served = new int[problem.Demands.Length];
        long worth = 0;
        foreach (var d in Enumerable.Range(0, served.Length).OrderByDescending(d => problem.Demands[d].Worth).ThenBy(d => d))
        {
            served[d] = (int)flow.Augment(d, problem.Demands[d].Count);
            worth += served[d] * problem.Demands[d].Worth;
        }

        return ([.. served], worth);
    }

    private sealed class Flow
    {
        private readonly List<int>[] _slotsOf;
        private readonly long[] _free;
        private readonly Dictionary<(int Slot, int Demand), long> _given = [];
        private readonly MigProblem _problem;

        public Flow(MigProblem problem, ReadOnlySpan<long> supply)
        {
            _problem = problem;
            _free = supply.ToArray();
            _slotsOf = [.. problem.Demands.Select(_ => new List<int>())];
            for (var s = 0; s < problem.Slots.Length; s++)
            {
                foreach (var d in problem.Slots[s])
                {
                    _slotsOf[d].Add(s);
                }
            }
        }

        /// <summary>Gives a demand as many slots as it can have without taking one from another for good.</summary>
        public long Augment(int demand, long wanted)
        {
            var got = 0L;
            while (got < wanted && FindPath(demand) is { } path)
            {
                var amount = Math.Min(wanted - got, _free[path[^1].Slot]);
                for (var i = 1; i < path.Count; i++)
                {
                    amount = Math.Min(amount, _given[(path[i - 1].Slot, path[i].Demand)]);
                }

                for (var i = 0; i < path.Count; i++)
                {
                    var (slot, taker) = path[i];
                    _given[(slot, taker)] = _given.GetValueOrDefault((slot, taker)) + amount;
                    if (i > 0)
                    {
                        _given[(path[i - 1].Slot, taker)] -= amount;
                    }
                }

                _free[path[^1].Slot] -= amount;
                got += amount;
            }

            return got;
        }

        /// <summary>Steps from a demand to a free slot: it takes the slot of the first step, whose holder takes that of the second, and so on.</summary>
        private List<(int Slot, int Demand)>? FindPath(int demand)
        {
            var from = new Dictionary<int, (int Slot, int Demand)>(); // by slot: who takes it, and the slot that one leaves (-1 for the first)
            var queue = new Queue<int>();
            Reach(demand, -1);
            while (queue.TryDequeue(out var slot))
            {
                if (_free[slot] > 0)
                {
                    var path = new List<(int Slot, int Demand)>();
                    for (var at = slot; at >= 0; at = from[at].Slot)
                    {
                        path.Insert(0, (at, from[at].Demand));
                    }

                    return path;
                }

                foreach (var holder in _problem.Slots[slot])
                {
                    if (_given.GetValueOrDefault((slot, holder)) > 0)
                    {
                        Reach(holder, slot);
                    }
                }
            }

            return null;

            void Reach(int taker, int leaves)
            {
                foreach (var slot in _slotsOf[taker])
                {
                    if (from.TryAdd(slot, (leaves, taker)))
                    {
                        queue.Enqueue(slot);
                    }
                }
            }
        }
    }
}
