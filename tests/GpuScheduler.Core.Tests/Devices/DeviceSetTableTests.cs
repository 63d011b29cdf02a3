using System.Numerics;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class DeviceSetTableTests
{
    public static TheoryData<string, bool> Machines()
    {
        var data = new TheoryData<string, bool>();
        foreach (var machine in Fixtures.Machines)
        {
            data.Add(machine.Id, false);
            if (!machine.Links(asPrinted: true).Equals(machine.Links()))
            {
                data.Add(machine.Id, true);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void On_every_known_machine_no_set_beats_the_pick_whatever_is_free(string machine, bool asPrinted)
    {
        var links = Fixtures.Machine(machine).Links(asPrinted);
        var random = new Random(machine.Length);
        AssertBest(links, links.GpuCount <= 8 ? Enumerable.Range(0, 1 << links.GpuCount) : Enumerable.Range(0, 4000).Select(_ => random.Next(1 << 16)).Append((1 << 16) - 1));
    }

    [Fact]
    public void On_irregular_machines_no_set_beats_the_pick_either() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int, Gen.Int[1, 4]).Select((n, seed, kinds) => Irregular(n, new Random(seed), kinds)).Sample(links => AssertBest(links, Enumerable.Range(0, 1 << links.GpuCount)), iter: 150);

    [Fact]
    public void On_an_irregular_machine_with_sixteen_GPUs_no_set_beats_the_pick()
    {
        var random = new Random(16);
        var links = Irregular(16, random, 4);
        AssertBest(links, Enumerable.Range(0, 300).Select(_ => random.Next(1 << 16)).Append((1 << 16) - 1));
    }

    [Fact]
    public void A_larger_value_is_a_larger_remainder()
    {
        var links = Fixtures.Machine("dgx1-v100").Links();
        var oracle = OracleOf(links);
        var table = DeviceSetTable.For(links);
        var masks = Enumerable.Range(0, 256).OrderBy(oracle.Remainder).ToList();
        for (var i = 1; i < masks.Count; i++)
        {
            Assert.Equal(
                Math.Sign(oracle.Remainder(masks[i]) - oracle.Remainder(masks[i - 1])),
                Math.Sign(table.RemainderValue((ulong)masks[i]) - table.RemainderValue((ulong)masks[i - 1])));
        }
    }

    [Fact]
    public void On_the_cube_mesh_four_GPUs_of_one_board_are_taken_before_a_ring_across_boards()
    {
        var table = DeviceSetTable.For(Fixtures.Machine("dgx1-v100").Links());
        Assert.True(table.TryPick(0xFF, 4, NvlinkRequirement.Preferred, out var set));
        Assert.Equal(0x0Ful, set.Mask);
        Assert.True(table.TryPick(0b1110_1111, 4, NvlinkRequirement.Preferred, out set));
        Assert.Equal(0x0Ful, set.Mask);
    }

    [Fact]
    public void Bridged_pairs_are_taken_whole_and_single_GPUs_do_not_break_one()
    {
        var table = DeviceSetTable.For(Fixtures.Machine("a100-pcie-8-bridged").Links());
        Assert.True(table.TryPick(0xFF, 2, NvlinkRequirement.Required, out var set));
        Assert.Equal(0b0000_0101ul, set.Mask);
        Assert.True(table.TryPick(0b0000_0111, 1, NvlinkRequirement.Unspecified, out set));
        Assert.Equal(0b0000_0010ul, set.Mask);
        Assert.False(table.TryPick(0b0011_0011 & ~0b0010_0000ul, 2, NvlinkRequirement.Required, out _));
        Assert.False(table.TryPick(0xFF, 4, NvlinkRequirement.Required, out _));
    }

    [Fact]
    public void Nothing_and_too_many_are_refused()
    {
        var table = DeviceSetTable.For(Fixtures.Machine("dgx-h100").Links());
        Assert.False(table.TryPick(0xFF, 0, NvlinkRequirement.Unspecified, out _));
        Assert.False(table.TryPick(0xFF, -1, NvlinkRequirement.Unspecified, out _));
        Assert.False(table.TryPick(0xFF, 9, NvlinkRequirement.Unspecified, out _));
        Assert.False(table.TryPick(0xFF, int.MaxValue, NvlinkRequirement.Unspecified, out _));
        Assert.False(table.TryPick(0, 1, NvlinkRequirement.Unspecified, out _));
    }

    [Fact]
    public void Sixty_four_GPUs_behind_one_switch_are_picked_as_well()
    {
        var nvlink = new int[64 * 64];
        Array.Fill(nvlink, 956_250);
        var table = DeviceSetTable.For(new InterconnectMatrix(64, nvlink, Enumerable.Repeat(PcieLevel.System, 64 * 64).ToArray()));
        Assert.True(table.TryPick(ulong.MaxValue, 64, NvlinkRequirement.Required, out var set));
        Assert.Equal(ulong.MaxValue, set.Mask);
        Assert.Equal(2016 * 956_250, set.NvlinkMBps);
        Assert.True(table.TryPick(ulong.MaxValue << 32, 5, NvlinkRequirement.None, out set));
        Assert.Equal(0x1Ful << 32, set.Mask);
    }

    [Fact]
    public void Machines_wired_alike_share_one_table() =>
        Assert.Same(DeviceSetTable.For(Fixtures.Machine("dgx1-v100").Links()), DeviceSetTable.For(Fixtures.Machine("dgx1-v100").Links()));

    private static InterconnectMatrix Irregular(int n, Random random, int kinds)
    {
        var nvlink = new int[n * n];
        var pcie = new PcieLevel[n * n];
        PcieLevel[] levels = [PcieLevel.Single, PcieLevel.HostBridge, PcieLevel.Node, PcieLevel.System];
        for (var a = 0; a < n; a++)
        {
            for (var b = 0; b < a; b++)
            {
                nvlink[(a * n) + b] = nvlink[(b * n) + a] = random.Next(3) == 0 ? 0 : random.Next(kinds) * 25_000;
                pcie[(a * n) + b] = pcie[(b * n) + a] = levels[random.Next(kinds)];
            }
        }

        return new InterconnectMatrix(n, nvlink, pcie);
    }

    private static DeviceSetOracle OracleOf(InterconnectMatrix links) =>
        new(links.GpuCount, links.NvlinkMBps, (a, b) => 50 - (int)links.Pcie(a, b));

    private static void AssertBest(InterconnectMatrix links, IEnumerable<int> masks)
    {
        var table = DeviceSetTable.For(links);
        var oracle = OracleOf(links);
        foreach (var free in masks)
        {
            foreach (var (nvlink, connected, remainderFirst) in new[]
            {
                (NvlinkRequirement.Unspecified, false, false),
                (NvlinkRequirement.Preferred, false, false),
                (NvlinkRequirement.Required, true, false),
                (NvlinkRequirement.None, false, true),
            })
            {
                var best = nvlink == NvlinkRequirement.Preferred && links.GpuCount > 8 ? null : oracle.Best(free, connected, remainderFirst);
                for (var k = 1; best is not null && k <= links.GpuCount; k++)
                {
                    var found = table.TryPick((ulong)free, k, nvlink, out var set);
                    if (found != best[k] is not null)
                    {
                        Assert.Fail($"free {free:b}, {k} GPUs, {nvlink}: found {found}, by enumeration {best[k]}");
                    }

                    if (!found)
                    {
                        continue;
                    }

                    var mask = (int)set.Mask;
                    if ((mask & ~free) != 0 || BitOperations.PopCount((uint)mask) != k
                        || (connected && !oracle.IsConnected(mask))
                        || oracle.Objective(free, mask, remainderFirst) != best[k]
                        || (set.NvlinkMBps, set.PcieCloseness) != oracle.Parts(mask)
                        || set.RemainderValue != table.RemainderValue((ulong)(free & ~mask)))
                    {
                        Assert.Fail($"free {free:b}, {k} GPUs, {nvlink}: picked {set}, best is {best[k]}");
                    }
                }
            }
        }

        var all = (1 << links.GpuCount) - 1;
        for (var k = 1; k <= links.GpuCount; k++)
        {
            Assert.Equal(Enumerable.Range(1, all).Where(m => BitOperations.PopCount((uint)m) == k).Max(m => oracle.Parts(m).Mbps), table.BestNvlinkMBps(k));
        }
    }
}
