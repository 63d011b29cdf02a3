using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Mig;
using Xunit;

namespace GpuScheduler.Core.Tests.Mig;

public class MigFleetTests
{
    private static readonly MigGeometry s_h100 = GpuCatalogue.Find("NVIDIA-H100-80GB-HBM3")!.Mig!;

    [Theory]
    [InlineData("NVIDIA-A30")]
    [InlineData("NVIDIA-H100-80GB-HBM3")]
    public void The_value_by_an_observed_mix_is_the_expectation_over_all_streams(string label)
    {
        var geometry = GpuCatalogue.Find(label)!.Mig!;
        var mix = Enumerable.Range(0, geometry.Profiles.Length).Select(p => geometry.Profiles[p].HasMediaExtensions ? 0 : 1.0 + (p * p)).ToArray();
        var table = MigValueTable.For(geometry, mix);
        foreach (var taken in new byte[] { 0, 0b1, 0b10, 0b1000, 0b1001 })
        {
            Assert.Equal(Expectation(geometry, [.. mix.Select(m => m / mix.Sum())], taken), table.ValueOf(taken), 9);
        }
    }

    [Fact]
    public void Of_a_stream_of_one_profile_the_value_is_what_still_fits_of_it()
    {
        var sevenths = new double[s_h100.Profiles.Length];
        sevenths[s_h100.IndexOf("1g.10gb")] = 5;
        var table = MigValueTable.For(s_h100, sevenths);

        Assert.Equal(7, table.ValueOf(0), 9);
        Assert.Equal(4, table.ValueOf(0b0000_0111), 9);
        Assert.Equal(0, table.ValueOf(0b0111_1111), 9);
    }

    [Theory]
    [InlineData(MigChoice.FirstFit)]
    [InlineData(MigChoice.BestFit)]
    [InlineData(MigChoice.ValueTable)]
    public void Devices_never_overlap_and_none_is_refused_that_has_a_place(MigChoice choice)
    {
        var random = new Random(7);
        var fleet = new MigFleet(s_h100, new byte[12]);
        var placed = new List<(int Gpu, int Profile, int Start)>();
        for (var step = 0; step < 5_000; step++)
        {
            if (placed.Count > 0 && random.Next(2) == 0)
            {
                var gone = placed[random.Next(placed.Count)];
                placed.Remove(gone);
                fleet.Free(gone.Gpu, gone.Profile, gone.Start);
                continue;
            }

            var profile = random.Next(s_h100.Profiles.Length);
            var kind = s_h100.Profiles[profile];
            int Taken(int g) => placed.Where(p => p.Gpu == g).Aggregate(0, (m, p) => m | s_h100.Profiles[p.Profile].MaskAt(p.Start));
            bool HasMedia(int g) => placed.Any(p => p.Gpu == g && s_h100.Profiles[p.Profile].HasMediaExtensions);
            var places = Enumerable.Range(0, 12).Where(g => !(kind.HasMediaExtensions && HasMedia(g))).SelectMany(g => kind.Starts.Where(s => (Taken(g) & kind.MaskAt(s)) == 0).Select(s => (Gpu: g, Start: s))).ToList();
            if (!fleet.TryPlace(profile, choice, out var gpu, out var start))
            {
                Assert.Empty(places);
                continue;
            }

            Assert.Contains((gpu, start), places);
            if (choice == MigChoice.ValueTable)
            {
                var values = MigValueTable.For(s_h100);
                double Loss((int Gpu, int Start) p) => values.Loss((byte)Taken(p.Gpu), (byte)(Taken(p.Gpu) | kind.MaskAt(p.Start)));
                Assert.Equal(places.Min(Loss), Loss((gpu, start)), 8);
            }

            placed.Add((gpu, profile, start));
            Assert.Equal(Taken(gpu), fleet.TakenOn(gpu));
        }
    }

    private static double Expectation(MigGeometry geometry, double[] mix, int taken)
    {
        var value = 0.0;
        for (var p = 0; p < mix.Length; p++)
        {
            var profile = geometry.Profiles[p];
            var futures = mix[p] == 0 ? [] : profile.Starts.Where(s => (taken & profile.MaskAt(s)) == 0).Select(s => Expectation(geometry, mix, taken | profile.MaskAt(s))).ToList();
            value += futures.Count == 0 ? 0 : mix[p] * (profile.MemorySlices + futures.Max());
        }

        return value;
    }
}
