using CsCheck;
using GpuScheduler.Core.Demand;
using Xunit;

namespace GpuScheduler.Core.Tests.Demand;

public class CpuWasteTests
{
    // 8 cards in steps of 10 milli-GPU and 128 cores in steps of half a core: the steps of the table, so that nothing is rounded.
    private const int Cards = 8;
    private const int MostCpu = 128_000;

    [Fact]
    public void The_waste_is_what_the_two_views_say()
    {
        Gen.Select(Kinds.Gen, Gen.Select(Gen.Int[0, 256], Gen.Int[0, 800]).Array[50]).Sample((kinds, states) =>
        {
            var waste = new CpuWaste(kinds, MostCpu, Cards);
            var random = new AtRandom(kinds);
            var rate = kinds.Sum(k => k.Share * k.Kind.CpuMilli) / kinds.Sum(k => k.Share * k.Kind.Cards * k.Kind.Milli);
            foreach (var (c, g) in states)
            {
                var (cpu, gpu) = (c * 500, g * 10);
                var beyond = rate > 0 ? Math.Max(0, gpu - (cpu / rate)) : 0;
                Assert.Equal(beyond + random.Left(cpu, gpu) - random.Left(null, gpu), waste.Of(cpu, gpu), 0.01);
            }
        }, iter: 15);
    }

    [Fact]
    public void With_nothing_free_or_as_much_CPU_as_all_could_need_nothing_is_wasted_and_without_any_CPU_everything()
    {
        Kinds.Gen.Sample(drawn =>
        {
            // All pods are of quarters of GPUs and need one core a GPU.
            var kinds = drawn.Select(k => k.Kind with { Milli = Math.Max(250, k.Kind.Milli / 250 * 250) }).Zip(drawn, (kind, k) => (kind with { CpuMilli = kind.TotalMilli }, k.Share)).ToArray();
            var waste = new CpuWaste(kinds, MostCpu, Cards);
            Assert.Equal(1, waste.CpuPerGpu, 9);
            for (var gpu = 0; gpu <= Cards * 1000; gpu += 10)
            {
                Assert.Equal(0, waste.Of(0, 0));
                Assert.Equal(0, waste.Of(MostCpu, gpu));
                Assert.InRange(waste.Of(0, gpu), gpu - 0.01, 2 * gpu);
            }
        }, iter: 20);
    }

    [Fact]
    public void With_one_kind_of_pod_more_CPU_never_wastes_more_and_more_GPU_never_less()
    {
        Kinds.Gen.Select(k => k[0]).Sample(kind =>
        {
            var waste = new CpuWaste([(kind.Kind, 1)], MostCpu, Cards);
            for (var gpu = 0; gpu <= Cards * 1000; gpu += 250)
            {
                for (var cpu = 0; cpu <= MostCpu; cpu += 500)
                {
                    Assert.True(waste.Of(cpu, gpu) > -0.01);
                    Assert.True(waste.Of(cpu, gpu) <= waste.Of(Math.Max(0, cpu - 500), gpu) + 0.01);
                }
            }
        }, iter: 20);
    }

    [Fact]
    public void CPU_that_is_free_beyond_the_largest_node_or_overcommitted_counts_as_the_most_and_as_none()
    {
        var waste = new CpuWaste([(new DemandKind(8_000, 1, 1000, 1, ""), 1)], MostCpu, Cards);
        Assert.Equal(waste.Of(MostCpu, 4_000), waste.Of(10 * MostCpu, 4_000));
        Assert.Equal(waste.Of(0, 4_000), waste.Of(-5_000, 4_000));
    }

    [Fact]
    public void Where_no_node_tells_its_CPU_nothing_is_wasted_for_lack_of_it()
    {
        var waste = new CpuWaste([(new DemandKind(8_000, 1, 1000, 1, ""), 1)], 0, Cards);
        Assert.Equal(0, waste.Of(0, 8_000));
    }

    /// <summary>What stays free when pods come at random, from its description: 60 offers, the mean over those that fit.</summary>
    private sealed class AtRandom(IReadOnlyList<(DemandKind Kind, double Share)> kinds)
    {
        private readonly Dictionary<(long?, int), double> _known = [];
        private readonly double _all = kinds.Sum(k => k.Share);

        /// <summary>With so much CPU; null for any amount.</summary>
        public double Left(long? cpu, int gpu)
        {
            if (_known.TryGetValue((cpu, gpu), out var known))
            {
                return known;
            }

            double part = 0, sum = 0;
            foreach (var (kind, share) in kinds)
            {
                if (!(kind.CpuMilli > cpu) && kind.TotalMilli <= gpu)
                {
                    part += share;
                    sum += share * Left(cpu - kind.CpuMilli, gpu - (int)kind.TotalMilli);
                }
            }

            var comes = part / _all;
            var taken = comes / (comes + (1.0 / 60));
            return _known[(cpu, gpu)] = part == 0 ? gpu : (taken * sum / part) + ((1 - taken) * gpu);
        }
    }
}
