using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class MigLayoutTests
{
    [Theory]
    [InlineData("NVIDIA-A30", 1, 2000)]
    [InlineData("NVIDIA-A30", 2, 2000)]
    [InlineData("NVIDIA-A30", 3, 1000)]
    [InlineData("NVIDIA-A100-SXM4-40GB", 1, 2000)]
    [InlineData("NVIDIA-A100-SXM4-40GB", 2, 2000)]
    [InlineData("NVIDIA-A100-SXM4-40GB", 3, 500)]
    public void A_layout_is_found_exactly_when_there_is_one(string label, int gpus, int samples)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        var random = new Random(gpus);
        var slices = oracle.Facts.MemorySliceCount * gpus;
        var (possible, impossible) = (0, 0);
        for (var sample = 0; sample < samples; sample++)
        {
            var counts = new int[oracle.Facts.Profiles.Length];
            var wanted = random.Next(1, slices + 2);
            for (var size = 0; size < wanted;)
            {
                var p = random.Next(counts.Length);
                counts[p]++;
                size += oracle.Facts.Profiles[p].MemorySlices;
            }

            var fits = oracle.Fits(Enumerable.Repeat((0, false), gpus).ToList(), counts);
            _ = fits ? possible++ : impossible++;
            AssertLayout(oracle, label, gpus, counts, fits);
        }

        Assert.True(possible > samples / 20 && impossible > samples / 20, $"{possible} possible, {impossible} impossible");
    }

    [Theory]
    [InlineData("NVIDIA-A100-SXM4-40GB")]
    [InlineData("NVIDIA-H100-80GB-HBM3")]
    [InlineData("NVIDIA-A30")]
    public void What_eight_GPUs_can_have_is_found_again(string label)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        var states = oracle.States(withMedia: true);
        var random = new Random(8);
        for (var sample = 0; sample < 200; sample++)
        {
            var counts = new int[oracle.Facts.Profiles.Length];
            foreach (var placed in Enumerable.Range(0, 8).SelectMany(_ => states[random.Next(states.Count)]))
            {
                counts[placed.Profile]++;
            }

            AssertLayout(oracle, label, 8, counts, fits: true);
        }
    }

    [Fact]
    public void Equal_shares_make_equal_GPUs()
    {
        var geometry = GpuCatalogue.Find("NVIDIA-A100-SXM4-40GB")!.Mig!;
        int[] counts = [16, 0, 0, 8, 8, 0, 0];
        var layout = MigLayout.TryLayOut(geometry, counts, 8)!.Value;
        Assert.All(layout, gpu => Assert.Equal(layout[0], gpu));
    }

    [Fact]
    public void No_instances_are_laid_out_as_empty_GPUs()
    {
        var layout = MigLayout.TryLayOut(GpuCatalogue.Find("NVIDIA-A30")!.Mig!, new int[5], 3)!.Value;
        Assert.Equal([0, 0, 0], layout.Select(g => g.Length));
    }

    private static void AssertLayout(MigOracle oracle, string label, int gpus, int[] counts, bool fits)
    {
        var geometry = GpuCatalogue.Find(label)!.Mig!;
        var byGeometry = new int[geometry.Profiles.Length];
        for (var p = 0; p < counts.Length; p++)
        {
            byGeometry[geometry.IndexOf(oracle.Facts.Profiles[p].ResourceName)] = counts[p];
        }

        var layout = MigLayout.TryLayOut(geometry, byGeometry, gpus);
        if (fits != layout is not null)
        {
            Assert.Fail($"{gpus} GPUs, {string.Join(',', counts)}: fits {fits}, laid out {layout is not null}");
        }

        if (layout is not { } found)
        {
            return;
        }

        Assert.Equal(gpus, found.Length);
        var names = oracle.Facts.Profiles.Select(p => p.ResourceName).ToList();
        foreach (var gpu in found)
        {
            var placed = gpu.Select(p => new MigPlaced(names.IndexOf(p.Profile), p.Start)).ToList();
            Assert.True(oracle.IsLegal(placed), $"{string.Join(' ', gpu)} cannot be on one GPU");
            Assert.All(gpu, p => Assert.Equal(oracle.Facts.Profile(p.Profile).MemorySlices, p.Size));
        }

        var laidOut = found.SelectMany(g => g).CountBy(p => p.Profile).ToDictionary();
        Assert.Equal(counts, names.Select(n => laidOut.GetValueOrDefault(n)));
    }
}
