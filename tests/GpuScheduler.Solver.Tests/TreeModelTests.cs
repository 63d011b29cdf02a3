using CsCheck;
using GpuScheduler.Core.Gangs;
using Xunit;

namespace GpuScheduler.Solver.Tests;

public sealed class TreeModelTests
{
    private static readonly Gen<GangProblem> s_problems =
        from free in Gen.Int[0, 4].Array[24]
        from gpus in Gen.Frequency((1, Gen.Const(1)), (2, Gen.Const(2)), (2, Gen.Const(4)))
        from max in Gen.Int[1, 16]
        from min in Gen.Frequency((2, Gen.Const(max)), (1, Gen.Int[1, max]))
        from segment in Gen.Frequency((1, Gen.Const(0)), (2, Gen.Int[2, 5]))
        from segmentLevel in Gen.Int[0, 3]
        from cap in Gen.Frequency((1, Gen.Const(0)), (1, Gen.Int[1, 6]))
        from capLevel in Gen.Int[0, 3]
        from required in Gen.Int[1, 3]
        select new GangProblem
        {
            Topology = Clusters.Regular(2, 3, 4),
            Capacity = new WholeGpuCapacity([new WholeGpuDemand(gpus)], free),
            Roles =
            [
                new GangRole
                {
                    Name = "worker",
                    Min = min,
                    Max = max,
                    Gpus = gpus,
                    Segment = segment > 0 ? new GangSpan(segmentLevel, segment) : null,
                    Spread = cap > 0 ? new GangSpan(capLevel, cap) : null,
                },
            ],
            RequiredLevel = required,
            Objective = GangObjective.Compact,
        };

    [Fact]
    public void Tree_and_optimizer_agree_on_elastic_gangs_in_segments_and_with_caps() =>
        s_problems.Sample(
            problem =>
            {
                var plan = new TreeGangPlacer().Place(problem, Forever.Limit);
                var best = TreeModel.Best(problem);
                Assert.Equal(best is not null, plan.IsPlaced);
                if (best is { } value)
                {
                    Assert.Equal(ProofStatus.Optimal, plan.Proof.Status);
                    Assert.Equal(value, (plan.Slots.Sum(s => s.Members), plan.CommonLevel, plan.Proof.Objective));
                }
            },
            iter: Math.Max(1000, Check.Iter),
            threads: 1,
            print: p => $"{string.Join(',', ((WholeGpuCapacity)p.Capacity).Gpus.ToArray())} {p.Roles[0]} required {p.RequiredLevel}");
}
