using CsCheck;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver.CpSat;
using GpuScheduler.Solver.Roles;
using Xunit;

namespace GpuScheduler.Solver.Tests;

public sealed class RolePlacerTests : IDisposable
{
    private readonly CpSatThread _thread = new();

    public void Dispose() => _thread.Dispose();

    [Fact]
    public void The_tables_find_the_best_of_all_placements() =>
        RoleCase.Any.Sample(draw => Compare(draw.Problem(), new RoleTables(), all: true), iter: 3000, threads: 1);

    [Fact]
    public void The_optimizer_finds_the_best_of_all_placements() =>
        RoleCase.Any.Sample(draw => Compare(draw.Problem(), new CpSatRoleSearch(_thread), all: false), iter: 1500, threads: 1);

    [Fact]
    public void When_more_of_a_role_are_bound_than_a_cap_allows_nothing_is_added_and_the_cap_is_named()
    {
        var problem = new RoleCase
        {
            Nodes = [(0, 0), (1, 0), (1, 0)], Free = [8, 8, 8], Cpu = [9, 9, 9], Roles = [(1, 0, 2, 1, 2), (1, 1, 1, 0, 1)], Required = -1, Preferred = -1, Fixed = [0, 1, 1],
        }.Problem();

        foreach (var search in new IRoleSearch[] { new RoleTables(), new CpSatRoleSearch(_thread) })
        {
            var plan = new RolePlacer(problem, search, Forever.Limit).Place();

            Assert.Equal(ProofStatus.Infeasible, plan.Proof.Status);
            Assert.Contains("more members of role0 are bound already than the 1 that may lie in one domain of level", plan.Proof.Why, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void For_one_role_tree_and_optimizer_agree_on_clusters_too_large_to_try_everything() =>
        Gen.Select(Gen.Int[0, 8].Array[48], Gen.Int[0, 3].Select(log => 1 << log), Gen.Int[1, 24], Gen.Int[1, 3]).Sample(
            (free, gpus, members, required) =>
            {
                var problem = new GangProblem
                {
                    Topology = Clusters.Regular(3, 4, 4),
                    Capacity = new WholeGpuCapacity([new WholeGpuDemand(gpus)], free),
                    Roles = [new GangRole { Name = "worker", Min = members, Max = members, Gpus = gpus }],
                    RequiredLevel = required,
                };
                var tree = new TreeGangPlacer().Place(problem, Forever.Limit);
                var optimizer = new RolePlacer(problem, new CpSatRoleSearch(_thread), Forever.Limit).Place();
                Assert.Equal(tree.Proof.Status, optimizer.Proof.Status);
                Assert.Equal(tree.CommonLevel, optimizer.CommonLevel);
                Assert.Equal(tree.Proof.Objective, optimizer.Proof.Objective);
                Assert.Equal(tree.DomainsUsed.Skip(1), optimizer.DomainsUsed.Skip(1));
                Assert.Equal(tree.Shortfall?.Missing[0], optimizer.Shortfall?.Missing[0]);
            },
            iter: 150,
            threads: 1);

    /// <param name="problem">The gang.</param>
    /// <param name="search">What is tried.</param>
    /// <param name="all">False when only the domains used are its business, not what is stranded inside them.</param>
    private static void Compare(GangProblem problem, IRoleSearch search, bool all)
    {
        var oracle = new RoleOracle(problem);
        var plan = new RolePlacer(problem, search, Forever.Limit).Place();
        if (plan.Proof.Status == ProofStatus.Infeasible)
        {
            Assert.False(oracle.IsPossible);
            Assert.NotEmpty(plan.Proof.Why);
            if (plan.Shortfall!.Because != ShortfallCause.FixedMembers)
            {
                Assert.Equal(oracle.Missing, plan.Shortfall.Missing.Sum());
            }

            return;
        }

        Assert.Equal(ProofStatus.Optimal, plan.Proof.Status);
        var added = problem.Roles.Select(_ => new int[problem.Topology.Positions]).ToArray();
        foreach (var slot in plan.Slots)
        {
            added[slot.Role][slot.Position] += slot.Members;
        }

        Assert.All(Enumerable.Range(0, problem.Topology.Positions), p => AssertFits(problem, p, [.. added.Select(a => a[p])]));
        if (plan.Slots.IsEmpty)
        {
            Assert.True(oracle.IsPossible);
            Assert.Equal(0, oracle.Worth);
            return;
        }

        var judged = oracle.Judge(added);
        Assert.NotNull(judged);
        Assert.Equal(oracle.Worth, judged.Value.Worth);
        Assert.Equal(oracle.Level, judged.Value.Level);
        var best = oracle.Best[judged.Value.Domain];
        var counts = best.Length - (all ? 0 : 2);
        Assert.Equal(best.Take(counts), judged.Value.Inside.Take(counts));
    }

    private static void AssertFits(GangProblem problem, int position, int[] members)
    {
        for (var role = 0; role < members.Length; role++)
        {
            var others = members.ToArray();
            others[role] = 0;
            Assert.True(members[role] == 0 || members[role] <= problem.Capacity.Room(position, role, others));
        }
    }
}
