using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver.CpSat;
using GpuScheduler.Solver.Roles;

namespace GpuScheduler.Solver.Batch;

/// <summary>
/// Places several gangs: one after the other in many orders, then all at once with the optimizer, which begins with the best of those and
/// says how much better it could be. In the end each gang is placed anew, as well as the others let it.
/// </summary>
internal sealed class BatchPlacer(GangBatch batch, TreeGangPlacer tree, CpSatThread thread, SolveLimit limit)
{
    /// <summary>Orders that are tried.</summary>
    private const int MostStarts = 100;

    /// <summary>The part of the time that trying orders may take.</summary>
    private const double StartsShare = 0.25;

    /// <summary>The part of the time that is kept for writing plans down.</summary>
    private const double ReserveShare = 0.1;

    /// <summary>Any common domain will do that leaves the least room: how a gang leaves the most to others.</summary>
    private static readonly GangObjective s_leastRoom = new(1 << 20, NodesBeforeStranding: false);

    public GangBatchPlan Place()
    {
        var all = batch.Gangs.Sum(g => g.Weight);
        var greedy = Starts(all);
        var best = greedy.Slots;
        var (worth, bound, method, proven) = (greedy.Worth, all, "greedy", greedy.Worth == all);
        if (!proven && BatchModel.Build(batch, greedy.Slots) is { } model)
        {
            var result = thread.Solve(model.Model, limit.Less(limit.Limit * ReserveShare), BatchModel.Parameters);
            if (result.HasBound && model.IsWhole)
            {
                bound = Math.Min(bound, (long)Math.Floor(result.Bound + 1e-6));
            }

            if (result.Values is { } values && model.WorthOf(values) > worth)
            {
                best = model.Read(values);
                worth = model.WorthOf(values);
                method = "cp-sat";
            }

            bound = Math.Max(bound, worth);
            proven = bound == worth;
            method = proven ? "cp-sat" : method;
        }

        var plans = WriteDown(best);
        return new GangBatchPlan(new Proof(proven ? ProofStatus.Optimal : ProofStatus.Feasible, method, worth, proven ? worth : bound, "", limit.Elapsed), plans, greedy.Worth);
    }

    /// <summary>The best of many orders: the given one, the heaviest first, the densest first, the largest first, and then by chance.</summary>
    private (long Worth, ImmutableArray<GangSlot>?[] Slots) Starts(long all)
    {
        var random = new Random(batch.Seed);
        var best = (Worth: -1L, Slots: new ImmutableArray<GangSlot>?[batch.Gangs.Length]);
        for (var start = 0; start < MostStarts && best.Worth < all; start++)
        {
            // The first is always made: there has to be an answer.
            if (start > 0 && limit.Part(StartsShare).IsOver)
            {
                break;
            }

            var order = Order(start, random);
            var (worth, slots) = Greedy(order, start % 2 == 0 ? s_leastRoom : GangObjective.Tightest);
            if (worth > best.Worth)
            {
                best = (worth, slots);
            }
        }

        return best;
    }

    private int[] Order(int start, Random random)
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
                    0 => -weight * Math.Exp(random.NextDouble() * 2),
                    1 => -weight / gpus * Math.Exp(random.NextDouble() * 2),
                    _ => random.NextDouble(),
                },
            };
        });
        Array.Sort(keys, order);
        return order;
    }

    private (long Worth, ImmutableArray<GangSlot>?[] Slots) Greedy(int[] order, GangObjective objective)
    {
        var ledger = new BatchLedger(batch);
        var slots = new ImmutableArray<GangSlot>?[batch.Gangs.Length];
        var worth = 0L;
        for (var i = 0; i < order.Length && (i == 0 || !limit.IsOver); i++)
        {
            var gang = order[i];
            if (PlaceOne(ledger.ProblemOf(gang, elastic: false, objective)) is { } placed)
            {
                ledger.Take(gang, placed);
                slots[gang] = placed;
                worth += batch.Gangs[gang].Weight;
            }
        }

        return (worth, slots);
    }

    private ImmutableArray<GangSlot>? PlaceOne(GangProblem problem)
    {
        if (TreeGangPlacer.Handles(problem))
        {
            return tree.Place(problem, limit) is { IsPlaced: true } plan ? plan.Slots : null;
        }

        return new RolePlacer(problem, new GreedyRoleSearch(), limit).Place() is { IsPlaced: true } roles ? roles.Slots : null;
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
