using System.Collections.Immutable;
using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class MigPickTests
{
    private const string A30 = "NVIDIA-A30";
    private const string A100 = "NVIDIA-A100-SXM4-40GB";

    [Theory]
    [InlineData(A30)]
    [InlineData(A100)]
    public void In_every_state_of_a_GPU_one_device_is_placed_legally_and_loses_least(string label)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        foreach (var state in oracle.States(withMedia: true))
        {
            var node = Node(label, [state], oracle);
            for (var p = 0; p < oracle.Facts.Profiles.Length; p++)
            {
                AssertOne(oracle, node, [state], p);
            }
        }
    }

    [Theory]
    [InlineData(A30)]
    [InlineData(A100)]
    public void Among_several_GPUs_it_is_the_one_that_loses_least_then_the_fullest_then_the_first(string label)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        var states = oracle.States(withMedia: true);
        var random = new Random(3);
        for (var sample = 0; sample < 3000; sample++)
        {
            ImmutableArray<MigPlaced>[] gpus = [.. Enumerable.Range(0, random.Next(2, 5)).Select(_ => states[random.Next(states.Count)])];
            AssertOne(oracle, Node(label, gpus, oracle), gpus, random.Next(oracle.Facts.Profiles.Length));
        }
    }

    [Theory]
    [InlineData(A30, 1, 1500)]
    [InlineData(A30, 2, 1500)]
    [InlineData(A100, 1, 1500)]
    [InlineData(A100, 2, 1500)]
    public void Several_devices_are_placed_whenever_they_fit_at_all(string label, int gpuCount, int samples)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        var states = oracle.States(withMedia: true);
        var random = new Random(gpuCount);
        var (placed, refused) = (0, 0);
        for (var sample = 0; sample < samples; sample++)
        {
            ImmutableArray<MigPlaced>[] gpus = [.. Enumerable.Range(0, gpuCount).Select(_ => random.Next(3) == 0 ? [] : Thinned(states[random.Next(states.Count)], random))];
            var counts = new int[oracle.Facts.Profiles.Length];
            for (var i = random.Next(2, 4 + (4 * gpuCount)); i > 0; i--)
            {
                counts[random.Next(counts.Length)]++;
            }

            var fits = oracle.Fits(gpus.Select(g => (oracle.SlicesOf(g), oracle.HasMedia(g))).ToList(), counts);
            _ = fits ? placed++ : refused++;
            AssertSeveral(oracle, Node(label, gpus, oracle), gpus, counts, fits);
        }

        Assert.True(placed > samples / 20 && refused > samples / 20, $"{placed} placed, {refused} refused");
    }

    [Theory]
    [InlineData(A30)]
    [InlineData(A100)]
    public void On_eight_GPUs_what_was_just_freed_can_be_had_again(string label)
    {
        var oracle = new MigOracle(Fixtures.MigProduct(label));
        var states = oracle.States(withMedia: true);
        var random = new Random(8);
        for (var sample = 0; sample < 300; sample++)
        {
            var counts = new int[oracle.Facts.Profiles.Length];
            var gpus = new ImmutableArray<MigPlaced>[8];
            for (var g = 0; g < gpus.Length; g++)
            {
                var state = states[random.Next(states.Count)];
                gpus[g] = [.. state.Where(_ => random.Next(3) > 0)];
                foreach (var freed in state.RemoveRange(gpus[g]))
                {
                    counts[freed.Profile]++;
                }
            }

            if (counts.Sum() < 2)
            {
                continue;
            }

            var node = Node(label, gpus, oracle);
            AssertSeveral(oracle, node, gpus, [.. counts], fits: true);
        }
    }

    [Fact]
    public void What_cannot_fit_on_eight_GPUs_is_refused()
    {
        var oracle = new MigOracle(Fixtures.MigProduct(A100));
        var node = Node(A100, Enumerable.Repeat(ImmutableArray<MigPlaced>.Empty, 8).ToArray(), oracle);
        (string, int)[][] requests = [[("3g.20gb", 16), ("1g.5gb", 1)], [("2g.10gb", 24), ("1g.5gb", 9)], [("4g.20gb", 8), ("2g.10gb", 9), ("1g.5gb", 24)], [("1g.10gb", 20), ("3g.20gb", 7)], [("7g.40gb", 4), ("1g.5gb", 29)]];
        foreach (var request in requests)
        {
            Assert.False(Picks.TryPick(Request(request), node, out _, out var status));
            Assert.Equal(Reasons.NoFreeMig, status);
        }
    }

    [Fact]
    public void Of_fixed_instances_only_those_listed_are_handed_out_and_each_once()
    {
        var oracle = new MigOracle(Fixtures.MigProduct(A100));
        var states = oracle.States(withMedia: true);
        var random = new Random(5);
        for (var sample = 0; sample < 2000; sample++)
        {
            ImmutableArray<MigPlaced>[] cut = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => states[random.Next(states.Count)])];
            ImmutableArray<MigPlaced>[] used = [.. cut.Select(g => g.RemoveAll(_ => random.Next(2) == 0))];
            var node = Node(A100, used, oracle, fixedTo: cut);
            var counts = new int[oracle.Facts.Profiles.Length];
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                counts[random.Next(counts.Length)]++;
            }

            var free = cut.Select((g, i) => g.RemoveRange(used[i])).ToList();
            var fits = Enumerable.Range(0, counts.Length).All(p => free.Sum(g => g.Count(x => x.Profile == p)) >= counts[p]);
            var devices = AssertSeveral(oracle, node, used, counts, fits);
            foreach (var device in devices)
            {
                var profile = Array.FindIndex(oracle.Facts.Profiles, p => p.ResourceName == device.Mig!.Value.Profile);
                Assert.Contains(new MigPlaced(profile, device.Mig!.Value.Start), free[device.Gpu]);
                Assert.Equal($"MIG-{device.Gpu}-{device.Mig.Value.Start}", device.Uuid);
            }
        }
    }

    [Fact]
    public void A_GPU_in_MIG_mode_that_somebody_holds_whole_or_shares_offers_nothing()
    {
        var oracle = new MigOracle(Fixtures.MigProduct(A100));
        foreach (var held in new[] { new AssignedDevice(0), new AssignedDevice(0, MemoryMiB: 1), new AssignedDevice(0, Milli: 1) })
        {
            foreach (var cut in new ImmutableArray<MigPlaced>[]?[] { null, [[new MigPlaced(0, 0), new MigPlaced(0, 1)]] })
            {
                var node = Node(A100, [[]], oracle, cut);
                node = NodeInfo.Build(node.Facts, [new Allocation(new PodBuilder("old").Build(), "n", new DeviceAssignment([held]), AllocationState.Bound)]);
                Assert.False(Picks.TryPick(Request(("1g.5gb", 1)), node, out _, out _));
                Assert.False(Picks.TryPick(Request(("1g.5gb", 2)), node, out _, out _));
            }
        }
    }

    [Fact]
    public void No_more_are_handed_out_than_the_node_announces()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Product(A100).Count(2).Mig("1g.5gb", 3).Mig("3g.20gb", 4).Mig("7g.40gb", 1).Build(), null);
        Assert.All(facts.Gpus, g => Assert.Equal(MigMode.OnDemand, g.Mig));
        Assert.True(Picks.TryPick(Request(("1g.5gb", 3)), facts.Empty, out _, out _));
        Assert.False(Picks.TryPick(Request(("1g.5gb", 4)), facts.Empty, out _, out _));
        Assert.False(Picks.TryPick(Request(("2g.10gb", 1)), facts.Empty, out _, out _));
    }

    [Fact]
    public void Two_names_of_one_profile_are_counted_together_and_each_gets_its_number()
    {
        var facts = NodeFactsBuilder.Build(
            new NodeBuilder("n").Product("NVIDIA-GB200").Build(),
            new NodeReport([new GpuInfo { Index = 0, Mig = MigMode.OnDemand }], null, null));
        var request = Request(("1g.23gb", 3), ("1g.24gb", 4));
        Assert.True(Picks.TryPick(request, facts.Empty, out var pick, out _));
        var names = pick.ToAssignment(request, facts.Empty).Devices.CountBy(d => d.Mig!.Value.Profile).ToDictionary();
        Assert.Equal((3, 4), (names["1g.23gb"], names["1g.24gb"]));
        Assert.False(Picks.TryPick(Request(("1g.23gb", 4), ("1g.24gb", 4)), facts.Empty, out _, out _));
        Assert.False(Picks.TryPick(Request(("1g.23gb", 1), ("1g.24gb", int.MaxValue)), facts.Empty, out _, out _));
        Assert.False(Picks.TryPick(Request(("1g.23gb", int.MaxValue), ("1g.24gb", int.MaxValue)), facts.Empty, out _, out _));
    }

    [Fact]
    public void A_MIG_device_too_small_for_min_gpu_memory_is_not_handed_out()
    {
        var oracle = new MigOracle(Fixtures.MigProduct(A100));
        var node = Node(A100, [[]], oracle);
        Assert.True(Picks.TryPick(Request(("2g.10gb", 1)) with { MinGpuMemoryMiB = 9_856 }, node, out _, out _));
        Assert.False(Picks.TryPick(Request(("2g.10gb", 1)) with { MinGpuMemoryMiB = 9_857 }, node, out _, out _));
        Assert.False(Picks.TryPick(Request(("2g.10gb", 1), ("3g.20gb", 1)) with { MinGpuMemoryMiB = 10_000 }, node, out _, out _));
    }

    private static ImmutableArray<MigPlaced> Thinned(ImmutableArray<MigPlaced> state, Random random) => state.RemoveAll(_ => random.Next(2) == 0);

    private static GpuRequest Request(params (string Profile, int Count)[] mig) =>
        new() { Mig = [.. mig.Select(m => new MigRequest(m.Profile, m.Count)).OrderBy(m => m.Profile, StringComparer.Ordinal)] };

    /// <summary>A node of GPUs in MIG mode with these instances in use, on demand or cut into fixed ones.</summary>
    private static NodeInfo Node(string label, ImmutableArray<MigPlaced>[] used, MigOracle oracle, ImmutableArray<MigPlaced>[]? fixedTo = null)
    {
        MigPlacement Placement(MigPlaced p) => new(oracle.Facts.Profiles[p.Profile].ResourceName, p.Start, oracle.Facts.Profiles[p.Profile].MemorySlices);
        var gpus = used.Select((_, g) => new GpuInfo
        {
            Index = g,
            Mig = fixedTo is null ? MigMode.OnDemand : MigMode.Fixed,
            Instances = fixedTo is null ? [] : [.. fixedTo[g].Select(p => new MigInstance(Placement(p), $"MIG-{g}-{p.Start}"))],
        });
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Product(label).Build(), new NodeReport([.. gpus], null, null));
        var allocations = used.SelectMany((placed, g) => placed.Select(p => new Allocation(
            new PodBuilder($"{g}-{p.Start}").Mig(Placement(p).Profile).Build(), "n", new DeviceAssignment([new AssignedDevice(g, null, Placement(p))]), AllocationState.Bound)));
        var node = NodeInfo.Build(facts, [.. allocations]);
        Assert.False(node.HasConflict);
        return node;
    }

    private static void AssertOne(MigOracle oracle, NodeInfo node, ImmutableArray<MigPlaced>[] gpus, int profile)
    {
        const double Tolerance = 1e-9;
        var name = oracle.Facts.Profiles[profile].ResourceName;
        var options = (
            from gpu in Enumerable.Range(0, gpus.Length)
            from placement in oracle.Placements
            where placement.Profile == profile && oracle.CanAdd(gpus[gpu], placement)
            let taken = oracle.SlicesOf(gpus[gpu])
            select (Gpu: gpu, placement.Start, Used: BitOperations.PopCount((uint)taken), Loss: oracle.Value(taken) - oracle.Value(taken | oracle.SlicesOf(placement)))).ToList();
        var request = Request((name, 1));
        var found = Picks.TryPick(request, node, out var pick, out var status);
        Assert.Equal(options.Count > 0, found);
        if (!found)
        {
            Assert.Equal(Reasons.NoFreeMig, status);
            return;
        }

        var device = Assert.Single(pick.ToAssignment(request, node).Devices);
        Assert.Equal((name, oracle.Facts.Profiles[profile].MemorySlices), (device.Mig!.Value.Profile, device.Mig.Value.Size));
        var chosen = Assert.Single(options, o => o.Gpu == device.Gpu && o.Start == device.Mig.Value.Start);
        var least = options.Min(o => o.Loss);
        var best = options.Where(o => o.Loss <= least + Tolerance).OrderByDescending(o => o.Used).ThenBy(o => o.Gpu).First();
        Assert.Equal(least, chosen.Loss, tolerance: 1e-7);
        Assert.Equal(least, pick.MigLoss, tolerance: 1e-7);
        Assert.Equal((best.Used, best.Gpu), (chosen.Used, chosen.Gpu));
    }

    private static ImmutableArray<AssignedDevice> AssertSeveral(MigOracle oracle, NodeInfo node, ImmutableArray<MigPlaced>[] gpus, int[] counts, bool fits)
    {
        var request = Request([.. counts.Select((c, p) => (oracle.Facts.Profiles[p].ResourceName, c)).Where(m => m.c > 0)]);
        var found = Picks.TryPick(request, node, out var pick, out _);
        if (found != fits)
        {
            Assert.Fail($"{string.Join(" | ", gpus.Select(g => string.Join(' ', g)))} wants {string.Join(' ', request.Mig)}: fits {fits}, picked {found}");
        }

        if (!found)
        {
            return [];
        }

        var devices = pick.ToAssignment(request, node).Devices;
        var after = gpus.ToArray();
        foreach (var device in devices)
        {
            var profile = Array.FindIndex(oracle.Facts.Profiles, p => p.ResourceName == device.Mig!.Value.Profile);
            var placed = new MigPlaced(profile, device.Mig!.Value.Start);
            Assert.Contains(placed, oracle.Placements);
            Assert.True(oracle.CanAdd(after[device.Gpu], placed), $"{device} has no place");
            after[device.Gpu] = after[device.Gpu].Add(placed);
            counts[profile]--;
        }

        Assert.All(counts, c => Assert.Equal(0, c));
        var loss = node.Facts.Gpus[0].Mig == MigMode.Fixed ? 0 : gpus.Zip(after).Sum(g => oracle.Value(oracle.SlicesOf(g.First)) - oracle.Value(oracle.SlicesOf(g.Second)));
        Assert.Equal(loss, pick.MigLoss, tolerance: 1e-7);
        Assert.Equal(devices.OrderBy(d => d.Gpu).ThenBy(d => d.Mig!.Value.Start), devices);
        return devices;
    }
}
