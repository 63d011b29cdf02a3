using CsCheck;
using GpuScheduler.Core.Gangs;
using Xunit;

namespace GpuScheduler.Solver.Tests;

public sealed class BatchTests : IDisposable
{
    private readonly GangSolver _solver = new();

    public void Dispose() => _solver.Dispose();

    [Fact]
    public void A_batch_of_nested_sizes_is_proven_and_no_set_of_gangs_is_worth_more() =>
        BatchCase.Any.Sample(
            draw =>
            {
                var batch = draw.Batch();
                var plan = _solver.PlaceAll(batch, Forever.Limit);
                AssertSound(batch, plan);
                var best = BatchOracle.Best(batch);
                Assert.InRange(best, plan.Proof.Objective, plan.Proof.Bound);
                if (IsNested(draw))
                {
                    Assert.Equal(ProofStatus.Optimal, plan.Proof.Status);
                }
            },
            iter: 400,
            threads: 1);

    [Fact]
    public void A_batch_of_sizes_that_do_not_nest_keeps_its_bound() =>
        BatchCase.Awkward.Sample(
            draw =>
            {
                var batch = draw.Batch();
                var plan = _solver.PlaceAll(batch, Forever.Limit);
                AssertSound(batch, plan);
                var best = BatchOracle.Best(batch);
                Assert.InRange(best, plan.Proof.Objective, plan.Proof.Bound);
            },
            iter: 300,
            threads: 1);

    [Fact]
    public void Without_a_model_the_search_ends_by_itself()
    {
        // Two gangs of sizes that do not nest, of which one fits.
        BatchCaseGang Mixed(int weight) => new(weight, -1, [new BatchCaseRole(2, 1, 0, false), new BatchCaseRole(3, 1, 0, false)]);
        var batch = new BatchCase { Nodes = [(0, 0)], Free = [8], Modern = [true], Gangs = [Mixed(3), Mixed(4)] }.Batch();
        var plan = _solver.PlaceAll(batch, Forever.Limit);
        Assert.Equal(4, plan.Proof.Objective);
        Assert.Equal(7, plan.Proof.Bound);
    }

    [Fact]
    public void A_gang_that_is_left_out_says_what_is_missing()
    {
        var batch = new BatchCase
        {
            Nodes = [(0, 0), (0, 0)],
            Free = [8, 8],
            Modern = [true, true],
            Gangs = [new BatchCaseGang(1, -1, [new BatchCaseRole(8, 1, 0, false)]), new BatchCaseGang(5, -1, [new BatchCaseRole(8, 2, 0, false)])],
        }.Batch();
        var plan = _solver.PlaceAll(batch, Forever.Limit);
        Assert.Equal(5, plan.Proof.Objective);
        Assert.True(plan.Plans[1].IsPlaced);
        Assert.Equal(ProofStatus.Infeasible, plan.Plans[0].Proof.Status);
        Assert.Contains("short of 1 node", plan.Plans[0].Proof.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void An_elastic_gang_grows_into_what_the_others_leave()
    {
        var batch = new BatchCase
        {
            Nodes = [(0, 0), (0, 0), (0, 1)],
            Free = [8, 8, 8],
            Modern = [true, true, true],
            Gangs = [new BatchCaseGang(1, -1, [new BatchCaseRole(8, 1, 5, false)]), new BatchCaseGang(5, -1, [new BatchCaseRole(8, 1, 0, false)])],
        }.Batch();
        var plan = _solver.PlaceAll(batch, Forever.Limit);
        Assert.Equal(2, plan.Plans[0].Slots.Sum(s => s.Members));
        Assert.Equal(1, plan.Plans[1].Slots.Sum(s => s.Members));
    }

    [Fact]
    public void A_batch_that_is_not_well_formed_is_refused_with_the_reason()
    {
        var batch = BatchCase.Any.Single().Batch();
        var fault = Assert.Throws<ArgumentException>(() => _solver.PlaceAll(batch with { Gangs = [batch.Gangs[0] with { Weight = 0 }] }, Forever.Limit));
        Assert.Contains("gang0", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>A gang that has to lie on one node is one member of all its GPUs.</summary>
    private static bool IsNested(BatchCase draw)
    {
        var sizes = draw.Gangs.SelectMany(g => g.Required == 0 ? [g.Roles.Sum(r => r.Members * r.Gpus)] : g.Roles.Select(r => r.Gpus)).ToList();
        return sizes.All(a => sizes.All(b => Math.Max(a, b) % Math.Min(a, b) == 0)) && draw.Gangs.All(g => g.Required != 0 || g.Roles.Select(r => r.WantsModern).Distinct().Count() == 1);
    }

    /// <summary>Checks a plan against the rules alone: who is placed is placed whole, in one domain, and no GPU twice.</summary>
    internal static void AssertSound(GangBatch batch, GangBatchPlan plan)
    {
        var capacity = (WholeGpuCapacity)batch.Capacity;
        var free = capacity.Gpus.ToArray();
        var worth = 0L;
        var firstRole = 0;
        for (var gang = 0; gang < batch.Gangs.Length; gang++)
        {
            var own = plan.Plans[gang];
            var wanted = batch.Gangs[gang];
            if (own.IsPlaced)
            {
                worth += wanted.Weight;
                for (var role = 0; role < wanted.Roles.Length; role++)
                {
                    var slots = own.Slots.Where(s => s.Role == role).ToList();
                    Assert.InRange(slots.Sum(s => s.Members), wanted.Roles[role].Min, wanted.Roles[role].Max);
                    var demand = capacity.Demands[firstRole + role];
                    Assert.All(slots, s => Assert.True(demand.Allowed?[s.Position] != false));
                    slots.ForEach(s => free[s.Position] -= s.Members * demand.Gpus);
                }

                if (wanted.RequiredLevel is { } level)
                {
                    Assert.Single(own.Slots.Select(s => level == 0 ? s.Position : batch.Topology.DomainOf(level, s.Position)).Distinct());
                }
            }
            else
            {
                Assert.Empty(own.Slots);
                Assert.NotEmpty(own.Proof.Why);
            }

            firstRole += wanted.Roles.Length;
        }

        Assert.All(free, f => Assert.True(f >= 0));
        Assert.Equal(worth, plan.Proof.Objective);
        Assert.True(plan.GreedyObjective <= worth);
        Assert.True(plan.Proof.Bound >= worth);
    }
}
