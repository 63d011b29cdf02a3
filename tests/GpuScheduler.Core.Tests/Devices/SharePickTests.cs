using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class SharePickTests
{
    [Fact]
    public void A_share_goes_to_the_fullest_cards_and_never_over_what_is_free()
    {
        var random = new Random(1);
        var (placed, refused) = (0, 0);
        for (var sample = 0; sample < 20_000; sample++)
        {
            var node = RandomNode(random, null);
            var request = RandomRequest(random);
            var cards = Cards(node);
            var offered = Enumerable.Range(0, cards.Count).Where(i => (node.ShareMask >> i & 1) == 1 && node.Facts.Gpus[i].MemoryMiB >= request.MinGpuMemoryMiB).ToList();
            var expected = ShareOracle.Choose([.. offered.Select(i => cards[i])], request.ShareCount, request.ShareMemoryMiB, request.ShareMilli)?.Select(i => offered[i]).ToArray();
            if (expected is not null && expected.Count(i => cards[i].Idle) > node.FreeGpus)
            {
                expected = null;
            }

            var found = Picks.TryPick(request, node, out var pick, out var status);
            if (found != expected is not null)
            {
                Assert.Fail($"{request} on {string.Join(' ', cards)}: picked {found}, expected {string.Join(' ', expected ?? [])}");
            }

            if (expected is null)
            {
                refused++;
                Assert.Equal(Reasons.NoFreeShare, status);
                continue;
            }

            placed++;
            var devices = pick.ToAssignment(request, node).Devices;
            Assert.Equal(expected, devices.Select(d => d.Gpu));
            Assert.Equal(expected.Count(i => cards[i].Idle), pick.Opened);
            Assert.Equal(-expected.Sum(i => ShareOracle.Free(cards[i])), pick.CardValue);
            foreach (var device in devices)
            {
                Assert.Equal((request.ShareMemoryMiB, request.ShareMilli), (device.MemoryMiB, device.Milli));
                Assert.True(cards[device.Gpu].FreeMemoryMiB >= device.MemoryMiB && cards[device.Gpu].FreeMilli >= device.Milli);
            }
        }

        Assert.True(placed > 4000 && refused > 4000, $"{placed} placed, {refused} refused");
    }

    [Fact]
    public void Where_links_are_required_the_cards_are_connected_and_found_when_there_are_such()
    {
        var random = new Random(2);
        var machine = Fixtures.Machine("dgx1-v100");
        var oracle = new DeviceSetOracle(8, machine.NvlinkMBps, (_, _) => 0);
        var (placed, refused) = (0, 0);
        for (var sample = 0; sample < 5_000; sample++)
        {
            var node = RandomNode(random, machine);
            var request = RandomRequest(random) with { Nvlink = NvlinkRequirement.Required };
            var cards = Cards(node);
            bool Fits(int mask) => Enumerable.Range(0, 8).All(i => (mask >> i & 1) == 0
                || ((node.ShareMask >> i & 1) == 1 && node.Facts.Gpus[i].MemoryMiB >= request.MinGpuMemoryMiB
                    && cards[i].FreeMemoryMiB >= request.ShareMemoryMiB && cards[i].FreeMilli >= request.ShareMilli));
            var sets = Enumerable.Range(1, 255).Where(m => BitOperations.PopCount((uint)m) == request.ShareCount && oracle.IsConnected(m) && Fits(m)
                && Enumerable.Range(0, 8).Count(i => (m >> i & 1) == 1 && cards[i].Idle) <= node.FreeGpus).ToHashSet();
            var found = Picks.TryPick(request, node, out var pick, out _);
            var exact = node.FreeGpus == 0 || node.FreeGpus >= BitOperations.PopCount(node.IdleMask); // in between, the first idle cards stand for all
            if (found ? sets.Count == 0 : sets.Count > 0 && exact)
            {
                Assert.Fail($"{request} on {string.Join(' ', cards)} with {node.FreeGpus} free GPUs: picked {found}, there are {string.Join(' ', sets.Select(s => s.ToString("b8")))}");
            }

            _ = found ? placed++ : refused++;
            Assert.True(!found || sets.Contains((int)pick.Shared));
        }

        Assert.True(placed > 500 && refused > 500, $"{placed} placed, {refused} refused");
    }

    [Fact]
    public void Shares_fill_a_started_card_before_they_open_another()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("NVIDIA-A10", 4).Build(), null);
        var node = facts.Empty;
        var request = new GpuRequest { ShareCount = 1, ShareMilli = 250 };
        var gpus = new List<int>();
        for (var i = 0; i < 6; i++)
        {
            Assert.True(Picks.TryPick(request, node, out var pick, out _));
            var devices = pick.ToAssignment(request, node);
            gpus.Add(devices.Devices[0].Gpu);
            node = NodeInfo.Build(facts, node.Allocations.Add(new Allocation(new PodBuilder($"{i}").Build(), "n", devices, AllocationState.Bound)));
        }

        Assert.Equal([0, 0, 0, 0, 1, 1], gpus);
    }

    [Fact]
    public void Memory_cannot_be_shared_where_nobody_knows_how_much_there_is()
    {
        var node = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("NVIDIA-Z900", 1).Build(), null).Empty;
        Assert.False(Picks.TryPick(new GpuRequest { ShareCount = 1, ShareMemoryMiB = 1 }, node, out _, out _));
        Assert.True(Picks.TryPick(new GpuRequest { ShareCount = 1, ShareMilli = 1 }, node, out _, out _));
    }

    [Fact]
    public void Absurd_shares_in_annotations_do_not_wrap_round_to_free_memory()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("Tesla-T4", 1).Build(), null);
        var absurd = new DeviceAssignment([new AssignedDevice(0, MemoryMiB: int.MaxValue)]);
        for (var pods = 1; pods <= 5; pods++)
        {
            var node = NodeInfo.Build(facts, [.. Enumerable.Range(0, pods).Select(i => new Allocation(new PodBuilder($"{i}").Build(), "n", absurd, AllocationState.Bound))]);
            Assert.True(node.HasConflict);
            Assert.False(Picks.TryPick(new GpuRequest { ShareCount = 1, ShareMemoryMiB = 1 }, node, out _, out _));
        }
    }

    private static GpuRequest RandomRequest(Random random)
    {
        int[] usual = [1, 50, 100, 125, 200, 250, 300, 333, 500, 750, 1000];
        var kind = random.Next(3);
        return new GpuRequest
        {
            ShareCount = random.Next(3) == 0 ? random.Next(1, 6) : 1,
            ShareMilli = kind == 0 ? 0 : usual[random.Next(usual.Length)],
            ShareMemoryMiB = kind == 1 ? 0 : random.Next(1, random.Next(2) == 0 ? 4_000 : 20_000),
            MinGpuMemoryMiB = random.Next(4) == 0 ? random.Next(8_000, 20_000) : 0,
        };
    }

    private static List<ShareCard> Cards(NodeInfo node) =>
    [
        .. node.Facts.Gpus.Select((gpu, i) =>
        {
            var on = node.Allocations.SelectMany(a => a.Devices.Devices).Where(d => d.Gpu == i).ToList();
            return new ShareCard(gpu.MemoryMiB, gpu.MemoryMiB - on.Sum(d => d.MemoryMiB), 1000 - on.Sum(d => d.Milli), on.Count == 0);
        }),
    ];

    private static NodeInfo RandomNode(Random random, MachineFact? machine)
    {
        var gpus = machine?.GpuCount ?? random.Next(1, 7);
        int[] sizes = [0, 15_360, 16_160, 16_160, 81_559];
        var uniform = sizes[random.Next(1, sizes.Length)];
        var report = new NodeReport(
            [.. Enumerable.Range(0, gpus).Select(i => new GpuInfo { Index = i, MemoryMiB = random.Next(4) == 0 ? sizes[random.Next(sizes.Length)] : uniform, Healthy = random.Next(10) > 0 })],
            machine?.Links(),
            null);
        var builder = new NodeBuilder("n").Product("NVIDIA-Z900");
        var facts = NodeFactsBuilder.Build((random.Next(3) == 0 ? builder.Whole(random.Next(gpus + 1)) : builder).Build(), report);
        var allocations = new List<Allocation>();
        for (var i = 0; i < gpus; i++)
        {
            var what = random.Next(5);
            var (memory, milli) = (facts.Gpus[i].MemoryMiB, 1000);
            for (var n = what switch { 0 => 1, 1 or 2 => random.Next(1, 4), _ => 0 }; n > 0; n--)
            {
                var device = what == 0 ? new AssignedDevice(i) : new AssignedDevice(i, MemoryMiB: random.Next(memory / 2 + 1), Milli: random.Next(milli + 1));
                memory -= device.MemoryMiB;
                milli -= device.Milli;
                if (what == 0 || device.IsShare)
                {
                    allocations.Add(new Allocation(new PodBuilder($"{i}-{n}").Build(), "n", new DeviceAssignment([device]), AllocationState.Bound));
                }
            }
        }

        return NodeInfo.Build(facts, [.. allocations]);
    }
}
