using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver.CpSat;
using GpuScheduler.Solver.Roles;

namespace GpuScheduler.Solver.Batch;

/// <summary>
/// Places several gangs: one after the other in many orders, then all at once with the optimizer, which begins with the best of those and
/// says how much better it could be, and meanwhile by changing the best plan step by step. In the end each gang is placed anew, as well
/// as the others let it.
/// </summary>
internal sealed class BatchPlacer(GangBatch batch, TreeGangPlacer tree, CpSatThread thread, SolveLimit limit)
{
    /// <summary>Orders that are tried.</summary>
    private const int MostStarts = 100;

    /// <summary>The part of the time that trying orders may take.</summary>
    private const double StartsShare = 0.2;

    /// <summary>The part of the time that the first bound may take.</summary>
    private const double RelaxedShare = 0.1;

    /// <summary>The part of the time that is kept for writing plans down.</summary>
    private const double ReserveShare = 0.1;

    /// <summary>Steps for each unit of the optimizer's deterministic time, where that is the limit; about as many as are made in a second.</summary>
    private const int StepsAUnit = 2000;

    /// <summary>Without an optimizer that comes to an end, the search is over when it has got no further for so many steps a gang.</summary>
    private const int IdleStepsAGang = 500;

    private readonly Random _random = new(batch.Seed);

    public GangBatchPlan Place()
    {
        var all = Possible();
        var (greedy, slots) = Starts(all);
        var (worth, bound, method) = (greedy, all, "greedy");
        if (worth < all)
        {
            (worth, bound, method, slots) = Improve(slots, worth, bound);
        }

        var plans = WriteDown(slots);
        return new GangBatchPlan(new Proof(bound <= worth ? ProofStatus.Optimal : ProofStatus.Feasible, method, worth, Math.Max(bound, worth), "", limit.Elapsed), plans, greedy);
    }

    private (long Worth, long Bound, string Method, ImmutableArray<GangSlot>?[] Slots) Improve(ImmutableArray<GangSlot>?[] slots, long worth, long bound)
    {
        var search = limit.Less(limit.Limit * ReserveShare);
        var model = BatchModel.Build(batch, slots);
        int[] first = [];
        if (model is not null)
        {
            (bound, first) = Relax(model, bound, search);
        }

        var job = model is null ? null : thread.Begin(model.Model, search, BatchModel.Parameters);
        var state = new BatchState(batch, tree, search);
        for (var gang = 0; gang < slots.Length; gang++)
        {
            if (slots[gang] is { } own)
            {
                state.Put(gang, own);
            }
        }

        var neighbourhood = new BatchNeighbourhood(batch, state, first, _random);
        var (steps, better, best) = (0, 0, neighbourhood.BestWorth);
        var (begin, span) = (search.Elapsed, search.Left);
        neighbourhood.Run(() =>
        {
            steps++;
            if (neighbourhood.BestWorth > best)
            {
                (better, best) = (steps, neighbourhood.BestWorth);
            }

            if (job is null && (best >= bound || steps - better > IdleStepsAGang * batch.Gangs.Length))
            {
                return 1;
            }

            if (search.IsOver || job is { IsDone: true } || (limit.Work is { } work && steps > work * StepsAUnit))
            {
                return 1;
            }

            // As good as the bound: the optimizer has nothing more to say.
            if (steps % 64 == 0 && job is not null && neighbourhood.BestWorth >= BoundOf(model!, job.Current, bound))
            {
                return 1;
            }

            return span <= TimeSpan.Zero ? 1 : Math.Min(0.999, (search.Elapsed - begin) / span);
        });

        var method = "greedy";
        if (neighbourhood.BestWorth > worth)
        {
            (worth, slots) = (neighbourhood.BestWorth, neighbourhood.Best);
        }

        if (model is null)
        {
            return (worth, bound, method, slots);
        }

        var result = worth >= BoundOf(model, job!.Current, bound) ? job.Stop() : job.Wait();
        bound = BoundOf(model, result, bound);
        if (result.Values is { } values && model.WorthOf(values) > worth)
        {
            (worth, slots, method) = (model.WorthOf(values), model.Read(values), "cp-sat");
        }

        return (worth, bound, worth >= bound ? "cp-sat" : method, slots);
    }

    /// <summary>A first bound, and which gangs would reach it.</summary>
    private (long Bound, int[] Gangs) Relax(BatchModel model, long bound, SolveLimit search)
    {
        var result = thread.Solve(model.Relaxed(), search.Part(StartsShare + RelaxedShare));
        if (result.HasBound)
        {
            var worth = (long)Math.Floor(result.Bound + 1e-6);
            model.Bound(worth);
            bound = model.IsWhole ? Math.Min(bound, worth) : bound;
        }

        return (bound, result.Values is { } values ? [.. model.Gangs.Where((_, i) => values[i] == 1)] : []);
    }

    private static long BoundOf(BatchModel model, CpSatResult result, long bound) =>
        model.IsWhole && result.HasBound ? Math.Min(bound, (long)Math.Floor(result.Bound + 1e-6)) : bound;

    /// <summary>The weight of all gangs but those that do not fit even alone.</summary>
    private long Possible()
    {
        var ledger = new BatchLedger(batch);
        var weight = 0L;
        for (var gang = 0; gang < batch.Gangs.Length; gang++)
        {
            weight += !limit.IsOver && IsImpossible(ledger.ProblemOf(gang, elastic: false, GangObjective.Tightest)) ? 0 : batch.Gangs[gang].Weight;
        }

        return weight;
    }

    private bool IsImpossible(GangProblem problem) => !TreeGangPlacer.Handles(problem)
        ? RoleTables.Handles(new RoleReach(problem)) && new RolePlacer(problem, new RoleTables(), limit).Place().Proof.Status == ProofStatus.Infeasible
        : problem.Roles[0].Segment is null ? tree.PlaceQuickly(problem) is null
        : tree.Place(problem, limit).Proof.Status == ProofStatus.Infeasible;

    /// <summary>The best of many orders: the given one, the heaviest first, the densest first, the largest first, and then by chance.</summary>
    private (long Worth, ImmutableArray<GangSlot>?[] Slots) Starts(long all)
    {
        var best = (Worth: -1L, Slots: Array.Empty<ImmutableArray<GangSlot>?>());
        var state = new BatchState(batch, tree, limit);
        for (var start = 0; start < MostStarts && best.Worth < all; start++)
        {
            // The first is always made: there has to be an answer.
            if (start > 0 && limit.Part(StartsShare).IsOver)
            {
                break;
            }

            foreach (var gang in Order(start))
            {
                state.TryPlace(gang, largestFirst: start % 2 == 1);
            }

            if (state.Worth > best.Worth)
            {
                best = (state.Worth, [.. state.Slots]);
            }

            for (var gang = 0; gang < batch.Gangs.Length; gang++)
            {
                if (state.Slots[gang] is not null)
                {
                    state.Remove(gang);
                }
            }
        }

        return best;
    }

    private int[] Order(int start)
    {
        var order = Enumerable.Range(0, batch.Gangs.Length).ToArray();
        if (start < 2)
        {
            return order;
        }

        var keys = Array.ConvertAll(order, gang =>
        {
            double gpus = Math.Max(1, batch.Gangs[gang].Roles.Sum(r => (long)Math.Max(r.Min, 1) * r.Gpus));
            double weight = batch.Gangs[gang].Weight;
            return (start / 2) switch
            {
                1 => -weight,
                2 => -weight / gpus,
                3 => -gpus,
                _ => (start % 3) switch
                {
                    0 => -weight * Math.Exp(_random.NextDouble() * 2),
                    1 => -weight / gpus * Math.Exp(_random.NextDouble() * 2),
                    _ => _random.NextDouble(),
                },
            };
        });
        Array.Sort(keys, order);
        return order;
    }

    /// <summary>Places each gang anew beside the others, with as many members as there is room for, and says of those left out what is missing.</summary>
    private ImmutableArray<GangPlan> WriteDown(ImmutableArray<GangSlot>?[] slots)
    {
        var ledger = new BatchLedger(batch);
        for (var gang = 0; gang < slots.Length; gang++)
        {
            ledger.Take(gang, slots[gang] ?? []);
        }

        var plans = new GangPlan[slots.Length];
        for (var gang = 0; gang < slots.Length; gang++)
        {
            if (slots[gang] is not { } own)
            {
                continue;
            }

            ledger.Take(gang, own, -1);
            var problem = ledger.ProblemOf(gang, elastic: true, GangObjective.Tightest);
            var plan = limit.IsOver ? null : TreeGangPlacer.Handles(problem) ? tree.Place(problem, limit) : RoleTables.Handles(new RoleReach(problem)) ? new RolePlacer(problem, new RoleTables(), limit).Place() : null;
            plans[gang] = plan is { IsPlaced: true } better ? better : GangPlans.WithCounts(problem, own, "greedy", problem.Topology.ClusterLevel, 0, limit.Elapsed);
            ledger.Take(gang, plans[gang].Slots);
        }

        for (var gang = 0; gang < slots.Length; gang++)
        {
            if (slots[gang] is null)
            {
                plans[gang] = LeftOut(ledger.ProblemOf(gang, elastic: false, GangObjective.Tightest));
            }
        }

        return [.. plans];
    }

    private GangPlan LeftOut(GangProblem problem)
    {
        const string Beside = "others of the batch take its place";
        if (!limit.IsOver && TreeGangPlacer.Handles(problem) && tree.Place(problem, limit) is { Proof.Status: ProofStatus.Infeasible } plan)
        {
            return plan with { Proof = plan.Proof with { Why = $"{Beside}: {plan.Proof.Why}" } };
        }

        return new GangPlan { Proof = new Proof(ProofStatus.Undecided, "greedy", 0, 0, Beside, limit.Elapsed) };
    }
}
