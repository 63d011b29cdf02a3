using System.Collections.Immutable;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Kubernetes.Sources;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class ResourceSliceTableTests
{
    private readonly ResourceSliceTable _table = new();

    [Fact]
    public void Until_all_slices_of_a_generation_are_there_the_last_complete_one_counts()
    {
        _table.Upsert(Slice("a", 1, 2, Gpu(0)));
        Assert.Empty(_table.StatementOf("n")!.Gpus);
        Assert.Equal("pool p has 1 of 2 ResourceSlices of generation 1: nothing of it counts until all are there", Assert.Single(_table.StatementOf("n")!.Warnings));

        _table.Upsert(Slice("b", 1, 2, Gpu(1)));
        Assert.Equal([0, 1], Numbers());
        Assert.Empty(_table.StatementOf("n")!.Warnings);

        _table.Upsert(Slice("a", 2, 2, Gpu(0), Gpu(2)));
        Assert.Equal([0, 1], Numbers());
        Assert.Equal("pool p has 1 of 2 ResourceSlices of generation 2: generation 1 counts until all are there", Assert.Single(_table.StatementOf("n")!.Warnings));

        _table.Upsert(Slice("b", 2, 2, Gpu(3)));
        Assert.Equal([0, 2, 3], Numbers());
    }

    [Fact]
    public void An_earlier_generation_does_not_count_even_if_it_is_complete()
    {
        _table.Replace([Slice("a", 8, 1, Gpu(0)), Slice("old", 7, 1, Gpu(5))]);
        Assert.Equal([0], Numbers());
        Assert.Equal(["n"], _table.Delete("a"));
        Assert.Equal([5], Numbers());
        Assert.Equal(["n"], _table.Delete("old"));
        Assert.Null(_table.StatementOf("n"));
        Assert.Empty(_table.Delete("old"));
    }

    [Fact]
    public void A_slice_that_moves_to_another_node_is_news_for_both()
    {
        _table.Upsert(Slice("a", 1, 1, Gpu(0)));
        Assert.Equal(["n", "m"], _table.Upsert(Slice("a", 1, 1, Gpu(0)) with { Node = "m" }));
        Assert.Equal(["m"], _table.Statements().Keys);
    }

    [Fact]
    public void A_wrong_slice_takes_its_node_out_and_what_was_known_is_not_kept()
    {
        _table.Upsert(Slice("a", 1, 1, Gpu(0)));
        _table.Upsert(Slice("a", 2, 1, Gpu(0)) with { Problem = "it is wrong" });
        Assert.Empty(_table.StatementOf("n")!.Gpus);
        Assert.Equal("ResourceSlice a is not used, nor the others of its pool: it is wrong", Assert.Single(_table.StatementOf("n")!.Warnings));
        _table.Upsert(Slice("a", 3, 2, Gpu(0)));
        Assert.Empty(_table.StatementOf("n")!.Gpus);
    }

    [Fact]
    public void What_cannot_be_true_of_devices_is_not_used()
    {
        AssertRefused("device gpu-0 is listed twice", Gpu(0), Gpu(0));
        AssertRefused("UUID GPU-0 is that of several GPUs", Gpu(0), Gpu(1) with { GpuUuid = "GPU-0" });
        AssertRefused("two GPUs have minor 0", Gpu(0), Gpu(0) with { Name = "gpu-00", GpuUuid = "GPU-x" });
        AssertRefused("MIG devices of GPU GPU-0 overlap", Mig(0, 0, 4, "MIG-a"), Mig(0, 3, 1, "MIG-b"));
        AssertRefused("65 GPUs are listed", [.. Enumerable.Range(0, 65).Select(Gpu)]);
    }

    [Fact]
    public void A_GPU_of_which_only_parts_are_announced_is_unhealthy_when_all_parts_are()
    {
        _table.Upsert(Slice("a", 1, 1, Mig(0, 0, 1, null) with { Taint = "taint x" }, Mig(0, 1, 1, null) with { Taint = "taint x" }, Mig(1, 0, 1, null) with { Taint = "taint x" }, Mig(1, 1, 1, null)));
        Assert.Equal([false, null], _table.StatementOf("n")!.Gpus.Select(g => g.Healthy));
    }

    [Fact]
    public void In_whatever_order_events_come_the_newest_complete_generation_is_what_is_said() => Gen.Int.Sample(seed =>
    {
        // Every generation has as many slices as its number; at the end all slices of the last are there.
        var random = new Random(seed);
        var table = new ResourceSliceTable();
        var generations = random.Next(1, 5);
        var complete = 0;
        for (var generation = 1; generation <= generations; generation++)
        {
            var slices = Enumerable.Range(0, generation).Select(i => Slice($"s{i}", generation, generation, Gpu((generation * 10) + i))).ToArray();
            random.Shuffle(slices);
            for (var i = 0; i < slices.Length; i++)
            {
                table.Upsert(slices[i]);
                complete = i == slices.Length - 1 ? generation : complete;
                var said = table.StatementOf("n")!;
                Assert.Equal(Enumerable.Range(0, complete).Select(n => (complete * 10) + n), said.Gpus.Select(g => g.Number));
                Assert.Equal(complete == generation, said.Warnings.IsEmpty);
            }
        }
    }, iter: 500);

    private static ResourceSlice Slice(string name, long generation, long slices, params SliceDevice[] devices) => new(name, "n", "p", generation, slices, [.. devices]);

    private static SliceDevice Gpu(int minor) => new() { Name = $"gpu-{minor}", Minor = minor, GpuUuid = $"GPU-{minor}" };

    private static SliceDevice Mig(int minor, int start, int size, string? uuid) =>
        new() { Name = $"gpu-{minor}-mig-{start}", Minor = minor, GpuUuid = $"GPU-{minor}", Mig = new MigPlacement("1g.10gb", start, size), MigUuid = uuid };

    private ImmutableArray<int> Numbers() => [.. _table.StatementOf("n")!.Gpus.Select(g => g.Number)];

    private static void AssertRefused(string why, params SliceDevice[] devices)
    {
        var table = new ResourceSliceTable();
        table.Upsert(Slice("a", 1, 1, devices));
        Assert.Empty(table.StatementOf("n")!.Gpus);
        Assert.Contains(why, Assert.Single(table.StatementOf("n")!.Warnings), StringComparison.Ordinal);
    }
}
