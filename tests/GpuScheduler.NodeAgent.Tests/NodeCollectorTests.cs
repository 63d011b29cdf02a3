using System.Globalization;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Kubernetes;
using GpuScheduler.NodeAgent.Facts;
using GpuScheduler.NodeAgent.Nvml;
using GpuScheduler.Testing;
using GpuScheduler.Testing.StandIn;
using Xunit;

namespace GpuScheduler.NodeAgent.Tests;

/// <summary>Reports of a stand-in driver, read back with the scheduler's own reader.</summary>
public sealed class NodeCollectorTests
{
    public static TheoryData<string> Machines => [.. Fixtures.Machines.Select(m => m.Id)];

    [Theory]
    [MemberData(nameof(Machines))]
    public void Every_known_machine_is_reported_with_both_layers_of_its_wiring(string id)
    {
        var machine = Fixtures.Machine(id);
        using var driver = StandInDriver.Create(Scenario.Machine(machine));
        var report = Scheduler(Collect(driver));
        Assert.Equal(machine.GpuCount, report.Gpus.Length);
        Assert.Equal(machine.Links(asPrinted: true), report.Links);
        Assert.All(report.Gpus, g => Assert.Equal(machine.Numa?[g.Index] ?? -1, g.NumaNode));
        Assert.All(report.Gpus, g => Assert.Equal((Scenario.Uuid(g.Index), Scenario.Bus(g.Index), 81559, true), (g.Uuid, g.PciBusId, g.MemoryMiB, g.Healthy)));
        Assert.Null(report.NvlinkDomain);
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void An_old_driver_that_does_not_say_where_links_lead_is_understood_by_addresses_and_device_ids(string id)
    {
        var machine = Fixtures.Machine(id);
        using var driver = StandInDriver.Create(
            Scenario.Machine(machine, knowsEnds: false),
            "nvmlDeviceGetNvLinkRemoteDeviceType", "nvmlDeviceGetNvLinkRemotePciInfo_v2", "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetGpuFabricInfoV", "nvmlDeviceGetGpuFabricInfo", "nvmlDeviceGetMigMode", "nvmlDeviceGetRemappedRows");
        Assert.Equal(machine.Links(asPrinted: true), Scheduler(Collect(driver)).Links);
    }

    [Fact]
    public void Any_wiring_of_direct_links_comes_out_as_it_is() =>
        Gen.Int[2, 8].SelectMany(n => Gen.Int[0, 3].Array[n * n].Select(cells => (n, cells))).Sample(
            drawn =>
            {
                var (n, cells) = drawn;
                var scenario = Scenario.Gpus(n);
                var next = new int[n];
                var wanted = new int[n, n];
                for (var a = 0; a < n; a++)
                {
                    for (var b = a + 1; b < n; b++)
                    {
                        wanted[a, b] = Math.Min(cells[(a * n) + b], Math.Min(18 - next[a], 18 - next[b]));
                        for (var l = 0; l < wanted[a, b]; l++)
                        {
                            scenario.Link(a, next[a]++, 0, Scenario.Bus(b), Scenario.GpuId).Link(b, next[b]++, 0, Scenario.Bus(a), Scenario.GpuId);
                        }
                    }
                }

                using var driver = StandInDriver.Create(scenario);
                var links = Collect(driver).Links.ToDictionary(l => (l.A, l.B), l => (int)l.Nvlinks);
                for (var a = 0; a < n; a++)
                {
                    for (var b = a + 1; b < n; b++)
                    {
                        Assert.Equal(wanted[a, b], links.GetValueOrDefault(((uint)a, (uint)b)));
                    }
                }
            },
            iter: 50, threads: 1);

    [Fact]
    public void Links_to_a_GPU_of_the_same_kind_that_this_machine_does_not_have_are_no_switch()
    {
        // Two GPUs of a cube mesh given to a virtual machine: both have links to the same absent third.
        var scenario = Scenario.Gpus(2).Link(0, 0, 255, Scenario.Bus(7), Scenario.GpuId).Link(1, 0, 255, Scenario.Bus(7), Scenario.GpuId)
            .Link(0, 1, 255, Scenario.Bus(1), Scenario.GpuId).Link(1, 1, 255, Scenario.Bus(0), Scenario.GpuId);
        using var driver = StandInDriver.Create(scenario);
        var link = Assert.Single(Collect(driver).Links);
        Assert.Equal(1u, link.Nvlinks);
    }

    [Fact]
    public void A_switch_that_a_virtual_machine_hides_is_found_by_what_the_driver_allows()
    {
        var scenario = Scenario.Gpus(2).Add($"p2p 0 1 0");
        for (var l = 0; l < 18; l++)
        {
            scenario.Add($"link 0 {l} 1 255 - 0").Add($"link 1 {l} 1 255 - 0");
        }

        using var driver = StandInDriver.Create(scenario);
        Assert.Equal(18u, Assert.Single(Collect(driver).Links).Nvlinks);
    }

    [Fact]
    public void A_GPU_with_fewer_links_to_the_switches_has_no_more_to_any_other()
    {
        var scenario = Scenario.Machine(Fixtures.Machine("dgx-h100")).Add($"link 3 17 0 2 00000000:A0:00.0 {Scenario.SwitchId:x}");
        using var driver = StandInDriver.Create(scenario);
        var report = Collect(driver);
        Assert.All(report.Links, l => Assert.Equal(l.A == 3 || l.B == 3 ? 17u : 18u, l.Nvlinks));
        Assert.Equal((17u, 17u), (report.Gpus[3].Nvlinks, report.Gpus[3].NvswitchLinks));
    }

    [Theory]
    [InlineData(9, 7, "5.0 on Hopper, as some drivers say", 25_000)]
    [InlineData(9, 6, "4.0 on Hopper", 25_000)]
    [InlineData(10, 7, "5.0 on Blackwell", 53_125)]
    [InlineData(6, 1, "1.0 on Pascal", 20_000)]
    public void Bandwidth_follows_from_the_version_where_the_driver_gives_no_speed(int capability, int version, string why, int mbps)
    {
        var scenario = Scenario.Gpus(2).Link(0, 0, 0, Scenario.Bus(1), Scenario.GpuId).Link(1, 0, 0, Scenario.Bus(0), Scenario.GpuId);
        for (var i = 0; i < 2; i++)
        {
            scenario.Add($"capability {i} {capability} 0").Add($"linkversion {i} {version}");
        }

        using var driver = StandInDriver.Create(scenario);
        Assert.True(mbps == Assert.Single(Collect(driver).Links).NvlinkMbps, why);
    }

    [Fact]
    public void Without_topology_calls_the_wiring_is_left_to_the_catalogue()
    {
        using var driver = StandInDriver.Create(Scenario.Machine(Fixtures.Machine("dgx1-v100")), "nvmlDeviceGetNvLinkState", "nvmlDeviceGetTopologyCommonAncestor");
        var report = Collect(driver);
        Assert.Empty(report.Links);
        Assert.Null(Scheduler(report).Links);
        Assert.Contains(report.Unknown, u => u.StartsWith("NVLinks:", StringComparison.Ordinal));
        Assert.Contains(report.Unknown, u => u.StartsWith("PCIe levels:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("nvmlDeviceGetUUID")]
    [InlineData("nvmlDeviceGetName")]
    [InlineData("nvmlDeviceGetPciInfo_v3;nvmlDeviceGetPciInfo_v2")]
    [InlineData("nvmlDeviceGetMemoryInfo_v2;nvmlDeviceGetMemoryInfo")]
    [InlineData("nvmlDeviceGetMemoryAffinity")]
    [InlineData("nvmlDeviceGetEccMode")]
    [InlineData("nvmlDeviceGetRemappedRows")]
    [InlineData("nvmlDeviceGetMigMode")]
    [InlineData("nvmlDeviceGetNvLinkState")]
    [InlineData("nvmlDeviceGetNvLinkRemotePciInfo_v2;nvmlDeviceGetNvLinkRemotePciInfo")]
    [InlineData("nvmlDeviceGetFieldValues")]
    [InlineData("nvmlDeviceGetTopologyCommonAncestor")]
    [InlineData("nvmlSystemGetDriverVersion")]
    [InlineData("nvmlInit_v2;nvmlDeviceGetCount_v2;nvmlDeviceGetHandleByIndex_v2")]
    [InlineData("nvmlEventSetCreate;nvmlEventSetWait_v2;nvmlEventSetWait")]
    public void A_missing_symbol_costs_a_fact_and_not_the_report(string symbols)
    {
        using var driver = StandInDriver.Create(Scenario.Machine(Fixtures.Machine("dgx-a100")), symbols.Split(';'));
        var report = Scheduler(Collect(driver));
        Assert.Equal(8, report.Gpus.Length);
        Assert.All(report.Gpus, g => Assert.True(g.Healthy));
    }

    [Theory]
    [InlineData("nvmlDeviceGetHandleByIndex_v2", 15, "lost")]
    [InlineData("nvmlDeviceGetUUID", 15, "lost")]
    [InlineData("nvmlDeviceGetMemoryInfo_v2", 15, "lost")]
    [InlineData("nvmlDeviceGetMemoryInfo_v2", 16, "reset")]
    [InlineData("nvmlDeviceGetHandleByIndex_v2", 8, "power")]
    [InlineData("nvmlDeviceGetHandleByIndex_v2", 999, "999")]
    public void A_GPU_that_answers_with_an_error_is_unhealthy_and_the_others_are_not(string symbol, int code, string reason)
    {
        using var driver = StandInDriver.Create(Scenario.Machine(Fixtures.Machine("dgx-h100")).Add($"fail {symbol} 3 {code} 0"));
        var report = Scheduler(Collect(driver));
        Assert.Equal([3], report.Gpus.Where(g => !g.Healthy).Select(g => g.Index));
        Assert.Contains(reason, report.Gpus[3].HealthReason, StringComparison.Ordinal);
        Assert.Equal(450_000, report.Links!.NvlinkMBps(0, 7));
    }

    [Fact]
    public void A_GPU_that_vanished_keeps_its_index_and_so_do_the_others()
    {
        var whole = Scenario.Gpus(4);
        using var driver = StandInDriver.Create(whole);
        using var nvml = driver.Open();
        var collector = new NodeCollector(nvml, new PciTree(), new Roster(), new XidRecord());
        collector.Collect();

        // The driver counts the rest anew: what was 2 and 3 is now 1 and 2.
        var three = new System.Text.StringBuilder("driver 1\n");
        foreach (var (now, before) in new[] { (0, 0), (1, 2), (2, 3) })
        {
            three.Append(CultureInfo.InvariantCulture, $"device {now} {Scenario.Bus(before)} 233010de X\nuuid {now} {Scenario.Uuid(before)}\n");
        }

        driver.Play(Scenario.Gpus(0).Add($"{three}"));
        var report = Scheduler(collector.Collect());
        Assert.Equal(Enumerable.Range(0, 4).Select(Scenario.Uuid), report.Gpus.Select(g => g.Uuid!));
        Assert.Equal([1], report.Gpus.Where(g => !g.Healthy).Select(g => g.Index));

        driver.Play(whole);
        Assert.All(Scheduler(collector.Collect()).Gpus, g => Assert.True(g.Healthy));
    }

    [Fact]
    public void A_GPU_that_is_lost_so_far_that_it_gives_no_handle_is_still_known_by_its_UUID()
    {
        using var driver = StandInDriver.Create(Scenario.Gpus(3));
        using var nvml = driver.Open();
        var collector = new NodeCollector(nvml, new PciTree(), new Roster(), new XidRecord());
        collector.Collect();
        driver.Play(Scenario.Gpus(3).Add($"fail nvmlDeviceGetHandleByIndex_v2 1 15 0"));
        var report = Scheduler(collector.Collect());
        Assert.Equal((Scenario.Uuid(1), 81559, false), (report.Gpus[1].Uuid, report.Gpus[1].MemoryMiB, report.Gpus[1].Healthy));
    }

    [Fact]
    public void Row_remap_failure_withdraws_a_GPU_and_a_pending_remap_does_not()
    {
        using var driver = StandInDriver.Create(Scenario.Gpus(3).Add($"remap 0 1 0").Add($"remap 1 0 1").Add($"ecc 2 1 7"));
        var report = Collect(driver);
        Assert.Equal((true, false), (report.Gpus[0].RowRemapPending, report.Gpus[0].Health.Unhealthy));
        Assert.Equal((true, true), (report.Gpus[1].RowRemapFailed, report.Gpus[1].Health.Unhealthy));
        Assert.Equal((true, 7u, false), (report.Gpus[2].EccEnabled, report.Gpus[2].EccUncorrected, report.Gpus[2].Health.Unhealthy));
    }

    [Fact]
    public void MIG_devices_are_reported_with_their_placements()
    {
        var scenario = Scenario.Gpus(2).Add($"mig 1 1 1")
            .Mig(1, 0, "NVIDIA H100 80GB HBM3 MIG 3g.40gb", 4, 4, 1, 3, 40448)
            .Mig(1, 1, "NVIDIA H100 80GB HBM3 MIG 1g.10gb+me", 0, 1, 7, 1, 9984)
            .Mig(1, 2, "NVIDIA H100 80GB HBM3 MIG 1g.10gb", 1, 1, 8, 1, 9984);
        using var driver = StandInDriver.Create(scenario);
        var report = Scheduler(Collect(driver));
        Assert.Equal(MigMode.Disabled, report.Gpus[0].Mig);
        Assert.Equal(
            [("1g.10gb.me", 0, 1, "MIG-1-7"), ("1g.10gb", 1, 1, "MIG-1-8"), ("3g.40gb", 4, 4, "MIG-1-1")],
            report.Gpus[1].Instances.Select(i => (i.Placement.Profile, i.Placement.Start, i.Placement.Size, i.Uuid!)));
    }

    public static TheoryData<string> MigProducts => [.. Fixtures.MigProducts.Select(p => p.GfdProducts[0])];

    [Theory]
    [MemberData(nameof(MigProducts))]
    public void Profiles_of_every_product_are_named_by_their_size_where_the_driver_gives_no_name(string label)
    {
        // The names that follow must be those that the catalogue takes for the same profile.
        var product = Fixtures.MigProduct(label);
        var geometry = GpuCatalogue.Find(label)!.Mig!;
        var memory = GpuCatalogue.Find(label)!.MemoryMiB;
        foreach (var profile in product.Profiles.Where(p => !p.ResourceName.EndsWith(".me", StringComparison.Ordinal)))
        {
            using var driver = StandInDriver.Create(Scenario.Gpus(1, label, memory).Add($"mig 0 1 1").Mig(0, 0, "nameless", profile.Starts[0], profile.MemorySlices, 1, profile.ComputeSlices, profile.MemoryMiB));
            var name = Assert.Single(Scheduler(Collect(driver)).Gpus[0].Instances).Placement.Profile;
            Assert.Equal(geometry.IndexOf(profile.ResourceName), geometry.IndexOf(name));
        }
    }

    [Fact]
    public void MIG_that_is_being_cut_is_read_again_until_it_settles()
    {
        var cut = Scenario.Gpus(1).Add($"mig 0 1 1").Mig(0, 0, "X MIG 1g.10gb", 0, 1, 1, 1, 9984).Mig(0, 1, "X MIG 1g.10gb", 1, 1, 2, 1, 9984);
        using var once = StandInDriver.Create(cut.Clone().Add($"fail nvmlDeviceGetGpuInstanceById 0 6 1"));
        Assert.Equal(2, Scheduler(Collect(once)).Gpus[0].Instances.Length);

        using var always = StandInDriver.Create(cut.Clone().Add($"fail nvmlDeviceGetGpuInstanceById 0 6 0"));
        var report = Collect(always);
        Assert.Empty(Scheduler(report).Gpus[0].Instances);
        Assert.Contains(report.Unknown, u => u.StartsWith("MIG devices:", StringComparison.Ordinal));

        using var overlapping = StandInDriver.Create(cut.Clone().Mig(0, 2, "X MIG 2g.20gb", 0, 2, 3, 2, 19968));
        Assert.Equal(2, Scheduler(Collect(overlapping)).Gpus[0].Instances.Length);
    }

    [Fact]
    public void Drivers_without_handles_of_MIG_devices_still_show_where_instances_lie()
    {
        var scenario = Scenario.Gpus(1).Add($"mig 0 1 1").Add($"profile 0 19 1 9984 -").Add($"profile 9 15 1 20096 -").Add($"profile 2 9 3 40448 MIG 3g.40gb")
            .Add($"instance 0 3 9 4 4").Add($"instance 0 7 19 0 1").Add($"instance 0 8 15 2 2");
        using var driver = StandInDriver.Create(scenario, "nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetMigDeviceHandleByIndex");
        Assert.Equal(["1g.10gb@0+1", "1g.20gb@2+2", "3g.40gb@4+4"], Scheduler(Collect(driver)).Gpus[0].Instances.Select(i => $"{i.Placement.Profile}@{i.Placement.Start}+{i.Placement.Size}"));
    }

    [Theory]
    [InlineData("11111111222233334444555555555555", 3, 0, true)]
    [InlineData("00000000000000000000000000000000", 3, 0, false)]
    [InlineData("11111111222233334444555555555555", 2, 0, false)]
    [InlineData("11111111222233334444555555555555", 3, 999, false)]
    public void The_NVLink_domain_is_that_of_a_completed_fabric_with_a_UUID(string cluster, int state, int status, bool domain)
    {
        var scenario = Scenario.Gpus(4);
        for (var i = 0; i < 4; i++)
        {
            scenario.Add($"fabric {i} {cluster} 32766 {state} {status}");
        }

        using var versioned = StandInDriver.Create(scenario);
        using var plain = StandInDriver.Create(scenario, "nvmlDeviceGetGpuFabricInfoV");
        foreach (var driver in new[] { versioned, plain })
        {
            Assert.Equal(domain ? "11111111-2222-3333-4444-555555555555.32766" : null, Scheduler(Collect(driver)).NvlinkDomain);
        }
    }

    [Theory]
    [InlineData("fabric 1 11111111222233334444555555555555 2 3 0")]
    [InlineData("fabric 1 11111111222233334444555555555556 1 3 0")]
    [InlineData("fabric 1 00000000000000000000000000000000 0 3 0")]
    public void GPUs_that_disagree_about_the_domain_have_none(string other)
    {
        using var driver = StandInDriver.Create(Scenario.Gpus(2).Add($"fabric 0 11111111222233334444555555555555 1 3 0").Add($"{other}"));
        var report = Collect(driver);
        Assert.Equal("", report.NvlinkDomain);
        Assert.Contains(report.Unknown, u => u.StartsWith("NVLink domain:", StringComparison.Ordinal));
    }

    [Fact]
    public void A_driver_that_is_not_loaded_and_a_library_that_is_missing_say_what_to_do()
    {
        using var driver = StandInDriver.Create(new Scenario().Add($"init 9"));
        var e = Assert.Throws<NvmlException>(() => driver.Open());
        Assert.Contains("modprobe nvidia", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<NvmlException>(() => NvmlLibrary.Open(Path.Combine(Path.GetTempPath(), "no-such-library.so")));
        Assert.Contains("--nvml-library", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_without_GPUs_has_an_empty_report()
    {
        using var driver = StandInDriver.Create(Scenario.Gpus(0));
        Assert.Empty(Scheduler(Collect(driver)).Gpus);
    }

    [Fact]
    public void The_real_driver_of_this_machine_is_read()
    {
        INvml nvml;
        try
        {
            nvml = NvmlLibrary.Open(NvmlLibrary.DefaultName);
        }
        catch (NvmlException e)
        {
            Assert.Skip($"no NVIDIA driver here: {e.Message}");
            return;
        }

        using (nvml)
        {
            var report = Scheduler(new NodeCollector(nvml, new PciTree(), new Roster(), new XidRecord()).Collect());
            Assert.NotEmpty(report.Gpus);
            Assert.All(report.Gpus, g => Assert.StartsWith("GPU-", g.Uuid, StringComparison.Ordinal));
            Assert.All(report.Gpus, g => Assert.True(PciAddress.TryParse(g.PciBusId, out _)));
        }
    }

    private static V1.NodeReport Collect(StandInDriver driver)
    {
        using var nvml = driver.Open();
        return new NodeCollector(nvml, new PciTree(), new Roster(), new XidRecord()).Collect();
    }

    /// <summary>As the scheduler takes it.</summary>
    private static NodeReport Scheduler(V1.NodeReport report) => GpuNodeReader.Read(GpuNodeWriter.ToJson("node", report).Span).Report;
}
