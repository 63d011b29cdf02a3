using System.Collections.Immutable;
using System.Numerics;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Tests.Gangs.Life;

/// <summary>Solves what the life of gangs asks for without an optimizer: one after another, and by adding victims until the gang fits.</summary>
internal sealed class NaiveGangSolver : IGangSolver
{
    private static readonly ExactGangPlacer s_placer = new(); // shared: it keeps what it allocates

    /// <summary>How many batches were asked for.</summary>
    public int Batches { get; private set; }

    /// <summary>How often room was to be made.</summary>
    public int Rooms { get; private set; }

    /// <summary>The order in which gangs of a batch get their places, by number; null for the heaviest first.</summary>
    public Func<GangBatch, IEnumerable<int>>? Order { get; init; }

    public GangPlan Place(GangProblem problem, SolveLimit limit) => s_placer.Place(problem, limit);

    public GangBatchPlan PlaceAll(GangBatch batch, SolveLimit limit)
    {
        Batches++;
        var plans = new GangPlan[batch.Gangs.Length];
        var rest = new Rest(batch);
        var worth = 0L;
        foreach (var i in Order?.Invoke(batch) ?? Enumerable.Range(0, plans.Length).OrderByDescending(i => batch.Gangs[i].Weight))
        {
            var gang = batch.Gangs[i];
            plans[i] = Place(new GangProblem { Topology = batch.Topology, Capacity = rest.Of(i), Roles = gang.Roles, RequiredLevel = gang.RequiredLevel, PreferredLevel = gang.PreferredLevel }, limit);
            worth += plans[i].IsPlaced ? gang.Weight : 0;
            rest.Take(i, plans[i]);
        }

        return new GangBatchPlan(new Proof(ProofStatus.Feasible, "naive", worth, batch.Gangs.Sum(g => g.Weight), "", TimeSpan.Zero), [.. plans], worth);
    }

    public EvictionPlan MakeRoom(EvictionProblem problem, SolveLimit limit)
    {
        Rooms++;
        var chosen = new List<int>();
        var plan = Try();
        foreach (var victim in Enumerable.Range(0, problem.Victims.Length).OrderBy(v => problem.Victims[v].Cost))
        {
            if (plan.IsPlaced)
            {
                break;
            }

            chosen.Add(victim);
            plan = Try();
        }

        if (!plan.IsPlaced)
        {
            return new EvictionPlan(plan.Proof, [], plan);
        }

        foreach (var victim in chosen.OrderByDescending(v => problem.Victims[v].Cost).ToList())
        {
            chosen.Remove(victim);
            if (!Try().IsPlaced)
            {
                chosen.Add(victim);
            }
        }

        chosen.Sort();
        return new EvictionPlan(new Proof(ProofStatus.Feasible, "naive", chosen.Sum(v => problem.Victims[v].Cost), 0, "", TimeSpan.Zero), [.. chosen], Try());

        GangPlan Try()
        {
            var capacity = (WholeGpuCapacity)problem.Gang.Capacity;
            var (freed, used) = (new ulong[capacity.Gpus.Length], new ulong[capacity.Gpus.Length]);
            for (var v = 0; v < problem.Victims.Length; v++)
            {
                foreach (var hold in problem.Victims[v].Holds)
                {
                    (chosen.Contains(v) ? freed : used)[hold.Position] |= hold.Gpus;
                }
            }

            var gpus = capacity.Gpus.ToArray();
            for (var i = 0; i < gpus.Length; i++)
            {
                gpus[i] += BitOperations.PopCount(freed[i] & ~used[i]);
            }

            return Place(problem.Gang with { Capacity = new WholeGpuCapacity(capacity.Demands, gpus) }, limit);
        }
    }

    /// <summary>What is left of the capacity of a batch.</summary>
    private sealed class Rest(GangBatch batch)
    {
        private readonly int[] _first = [.. batch.Gangs.Select((_, i) => batch.Gangs.Take(i).Sum(g => g.Roles.Length))];
        private readonly int[,] _taken = new int[batch.Topology.Positions, batch.Gangs.Sum(g => g.Roles.Length)];

        public IGangCapacity Of(int gang) => new Part(this, _first[gang]);

        public void Take(int gang, GangPlan plan)
        {
            foreach (var slot in plan.Slots)
            {
                _taken[slot.Position, _first[gang] + slot.Role] += slot.Members;
            }
        }

        private sealed class Part(Rest rest, int first) : IGangCapacity
        {
            public int Room(int position, int role, ReadOnlySpan<int> beside)
            {
                var all = new int[rest._taken.GetLength(1)];
                for (var r = 0; r < all.Length; r++)
                {
                    all[r] = rest._taken[position, r] + (r >= first && r - first < beside.Length ? beside[r - first] : 0);
                }

                return rest.Batch.Capacity.Room(position, first + role, all);
            }

            public int Stranded(int position, ReadOnlySpan<int> members) => 0;
        }

        private GangBatch Batch => batch;
    }
}
