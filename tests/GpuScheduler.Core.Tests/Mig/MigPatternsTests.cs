using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Mig;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Mig;

public class MigPatternsTests
{
    public static TheoryData<string> Labels() => [.. Fixtures.MigProducts.Select(p => p.GfdProducts[0])];

    [Theory]
    [MemberData(nameof(Labels))]
    public void Of_an_empty_GPU_they_are_those_of_the_layouts_to_which_nothing_can_be_added_that_no_other_surpasses(string label)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        var geometry = GpuCatalogue.Find(label)!.Mig!;
        var plain = oracle.Placements.Where(p => !oracle.Facts.Profiles[p.Profile].MediaExtensions).ToList();
        var full = oracle.States(withMedia: false).Where(s => !plain.Any(p => oracle.CanAdd(s, p))).Select(s => Counts(oracle, geometry, s)).DistinctBy(c => string.Join(',', c)).ToList();
        var doubles = Enumerable.Range(0, geometry.Profiles.Length).Where(p => geometry.Profiles[p] is { ComputeSlices: 1, MemorySlices: 2 }).ToList();

        // As many as were enumerated, and without the 1g that takes two memory slices.
        Assert.Equal(geometry.MemorySlices == 4 ? 4 : 38, full.Count);
        Assert.Equal(geometry.MemorySlices == 4 ? 4 : 14, full.Count(c => doubles.All(d => c[d] == 0)));
        var best = full.Where(a => !full.Any(b => b != a && a.Zip(b).All(x => x.First <= x.Second))).Select(c => string.Join(',', c)).ToHashSet();
        var wanted = Enumerable.Range(0, geometry.Profiles.Length).Where(p => !geometry.Profiles[p].HasMediaExtensions).ToHashSet();
        Assert.True(best.SetEquals(MigPatterns.Maximal(geometry, 0, false, wanted).Select(c => string.Join(',', c))));
    }

    [Theory]
    [InlineData("NVIDIA-A30")]
    [InlineData("NVIDIA-H100-80GB-HBM3")]
    public void Beside_every_legal_state_the_maximal_layouts_are_those_of_exhaustive_search(string label)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        var geometry = GpuCatalogue.Find(label)!.Mig!;
        var wanted = Enumerable.Range(0, geometry.Profiles.Length).ToHashSet();
        var found = new Dictionary<(int, bool), HashSet<string>>();
        foreach (var state in oracle.States(withMedia: true))
        {
            var key = (oracle.SlicesOf(state), oracle.HasMedia(state));
            if (!found.TryGetValue(key, out var patterns))
            {
                found[key] = patterns = Maximal(oracle, geometry, key.Item1, key.Item2);
            }

            var actual = MigPatterns.Maximal(geometry, (byte)key.Item1, key.Item2, wanted).Select(p => string.Join(',', p));
            Assert.True(patterns.SetEquals(actual), $"beside {key}");
            if (found.Count > 60)
            {
                return; // enough of them; each is a search of its own
            }
        }
    }

    private static int[] Counts(MigOracle oracle, MigGeometry geometry, IEnumerable<MigPlaced> state)
    {
        var counts = new int[geometry.Profiles.Length];
        foreach (var placed in state)
        {
            counts[geometry.IndexOf(oracle.Facts.Profiles[placed.Profile].ResourceName)]++;
        }

        return counts;
    }

    private static HashSet<string> Maximal(MigOracle oracle, MigGeometry geometry, int taken, bool media)
    {
        var all = new Dictionary<string, int[]>();
        Extend(taken, media, new int[geometry.Profiles.Length]);
        return [.. all.Values.Where(a => !all.Values.Any(b => b != a && a.Zip(b).All(x => x.First <= x.Second))).Select(a => string.Join(',', a))];

        void Extend(int mask, bool hasMedia, int[] counts)
        {
            if (!all.TryAdd($"{string.Join(',', counts)} {mask}", [.. counts]))
            {
                return;
            }

            foreach (var placement in oracle.Placements)
            {
                var facts = oracle.Facts.Profiles[placement.Profile];
                if ((oracle.SlicesOf(placement) & mask) == 0 && !(facts.MediaExtensions && hasMedia))
                {
                    var index = geometry.IndexOf(facts.ResourceName);
                    counts[index]++;
                    Extend(mask | oracle.SlicesOf(placement), hasMedia || facts.MediaExtensions, counts);
                    counts[index]--;
                }
            }
        }
    }
}
