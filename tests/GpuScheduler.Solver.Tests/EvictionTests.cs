using System.Numerics;
using CsCheck;
using GpuScheduler.Core.Gangs;
using Xunit;

namespace GpuScheduler.Solver.Tests;

public sealed class EvictionTests : IDisposable
{
    private readonly GangSolver _solver = new();

    public void Dispose() => _solver.Dispose();

    [Fact]
    public void No_set_of_whole_jobs_that_makes_room_is_cheaper() =>
        EvictionCaseDraw.Any.Sample(
            draw =>
            {
                var problem = draw.Problem();
                var plan = _solver.MakeRoom(problem, Forever.Limit);
                var (cost, isPossible) = Cheapest(problem);
                if (!isPossible)
                {
                    Assert.Equal(ProofStatus.Infeasible, plan.Proof.Status);
                    Assert.NotEmpty(plan.Proof.Why);
                    return;
                }

                Assert.Equal(ProofStatus.Optimal, plan.Proof.Status);
                Assert.Equal(cost, plan.Proof.Objective);
                Assert.Equal(cost, plan.Victims.Sum(v => problem.Victims[v].Cost));
                Assert.True(plan.Gang.IsPlaced);
                Assert.True(FitsWithout(problem, [.. plan.Victims]).IsPossible);
            },
            iter: 500,
            threads: 1);

    [Fact]
    public void A_gang_of_shares_is_refused_with_the_reason()
    {
        var problem = EvictionCaseDraw.Any.Single().Problem();
        var fault = Assert.Throws<ArgumentException>(() => _solver.MakeRoom(problem with { Gang = problem.Gang with { Capacity = new Nothing() } }, Forever.Limit));
        Assert.Contains("whole GPUs", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>Tries every set of victims, and every placement after it.</summary>
    private static (long Cost, bool IsPossible) Cheapest(EvictionProblem problem)
    {
        foreach (var set in Enumerable.Range(0, 1 << problem.Victims.Length).OrderBy(s => CostOf(problem, s)))
        {
            if (FitsWithout(problem, [.. Enumerable.Range(0, problem.Victims.Length).Where(v => (set >> v & 1) != 0)]).IsPossible)
            {
                return (CostOf(problem, set), true);
            }
        }

        return (0, false);
    }

    private static long CostOf(EvictionProblem problem, int set) => problem.Victims.Where((_, v) => (set >> v & 1) != 0).Sum(v => v.Cost);

    private static (bool IsPossible, int[] Free) FitsWithout(EvictionProblem problem, int[] evicted)
    {
        var capacity = (WholeGpuCapacity)problem.Gang.Capacity;
        var free = capacity.Gpus.ToArray();
        for (var position = 0; position < free.Length; position++)
        {
            var used = problem.Victims.SelectMany(v => v.Holds).Where(h => h.Position == position).Aggregate(0UL, (mask, h) => mask | h.Gpus);
            var kept = problem.Victims.Where((_, v) => !evicted.Contains(v)).SelectMany(v => v.Holds).Where(h => h.Position == position).Aggregate(0UL, (mask, h) => mask | h.Gpus);
            free[position] += BitOperations.PopCount(used & ~kept);
        }

        return (Lay(problem.Gang, capacity, free, [.. problem.Gang.Roles.Select(_ => new int[free.Length])], 0, 0), free);
    }

    /// <summary>Lays the members of every role on every node in every number.</summary>
    private static bool Lay(GangProblem gang, WholeGpuCapacity capacity, int[] free, int[][] members, int role, int position)
    {
        if (role == members.Length)
        {
            return IsAllowed(gang, members);
        }

        if (position == free.Length)
        {
            return members[role].Sum() == gang.Roles[role].Min && Lay(gang, capacity, free, members, role + 1, 0);
        }

        for (var n = 0; n <= gang.Roles[role].Min - members[role].Sum() && n * capacity.Demands[role].Gpus <= free[position]; n++)
        {
            free[position] -= n * capacity.Demands[role].Gpus;
            members[role][position] = n;
            var fits = Lay(gang, capacity, free, members, role, position + 1);
            members[role][position] = 0;
            free[position] += n * capacity.Demands[role].Gpus;
            if (fits)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsAllowed(GangProblem gang, int[][] members)
    {
        int DomainOf(int level, int position) => level == 0 ? position : gang.Topology.DomainOf(level, position);
        var used = Enumerable.Range(0, members[0].Length).Where(p => members.Any(m => m[p] > 0)).ToList();
        if (gang.RequiredLevel is { } level && used.Select(p => DomainOf(level, p)).Distinct().Count() > 1)
        {
            return false;
        }

        for (var role = 0; role < members.Length; role++)
        {
            var own = members[role];
            if (gang.Roles[role].Spread is { } spread && used.GroupBy(p => DomainOf(spread.Level, p)).Any(g => g.Sum(p => own[p]) > spread.Members))
            {
                return false;
            }

            if (gang.Roles[role].Segment is { } segment)
            {
                var rest = gang.Roles[role].Max % segment.Members;
                var partial = used.GroupBy(p => DomainOf(segment.Level, p)).Select(g => g.Sum(p => own[p]) % segment.Members).Where(r => r != 0).ToList();
                if (rest == 0 ? partial.Count > 0 : partial.Count != 1 || partial[0] != rest)
                {
                    return false;
                }
            }
        }

        return true;
    }

    private sealed class Nothing : IGangCapacity
    {
        public int Room(int position, int role, ReadOnlySpan<int> beside) => 0;

        public int Stranded(int position, ReadOnlySpan<int> members) => 0;
    }
}
