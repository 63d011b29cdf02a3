using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class MigValueTableTests
{
    public static TheoryData<string> Labels() => [.. Fixtures.MigProducts.Select(p => p.GfdProducts[0])];

    [Theory]
    [MemberData(nameof(Labels))]
    public void A_GPU_has_as_many_states_as_were_enumerated(string label)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        Assert.Equal(oracle.Facts.MemorySliceCount == 4 ? 26 : 723, oracle.States(withMedia: false).Count);
        Assert.All(oracle.States(withMedia: true), s => Assert.True(s.Sum(p => oracle.Facts.Profiles[p.Profile].ComputeSlices) <= Math.Min(7, oracle.Facts.MemorySliceCount)));
    }

    [Theory]
    [MemberData(nameof(Labels))]
    public void In_every_state_the_value_and_the_best_start_are_those_of_the_definition(string label)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        var geometry = GpuCatalogue.Find(label)!.Mig!;
        var table = MigValueTable.For(geometry);
        foreach (var state in oracle.States(withMedia: false))
        {
            var taken = oracle.SlicesOf(state);
            Assert.Equal(oracle.Value(taken), table.ValueOf((byte)taken), 9);
            for (var p = 0; p < oracle.Facts.Profiles.Length; p++)
            {
                var futures = oracle.Placements.Where(x => x.Profile == p && (oracle.SlicesOf(x) & taken) == 0).ToDictionary(x => x.Start, x => oracle.Value(taken | oracle.SlicesOf(x)));
                var best = table.BestStart(geometry.IndexOf(oracle.Facts.Profiles[p].ResourceName), (byte)taken);
                if (futures.Count == 0)
                {
                    Assert.Equal(-1, best);
                }
                else
                {
                    Assert.Equal(futures.Values.Max(), futures[best], 9);
                }
            }
        }

        var full = (1 << oracle.Facts.MemorySliceCount) - 1;
        Assert.Equal(0, table.ValueOf((byte)full));
        Assert.Equal(oracle.Value(0), table.Loss(0, (byte)full), 9);
    }
}
