using System.Collections.Concurrent;
using GpuScheduler.Kubernetes;
using GpuScheduler.NodeAgent.Hosting;
using GpuScheduler.Testing;
using GpuScheduler.Testing.StandIn;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GpuScheduler.NodeAgent.Tests;

/// <summary>The agent on stand-in drivers and kubelets: what it writes, and when.</summary>
public sealed class AgentTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-scheduler-agent-").FullName;
    private readonly ManualTimeProvider _clock = new();
    private readonly BlockingCollection<V1.NodeReport> _written = [];
    private bool _apiIsDown;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Socket => Path.Combine(_folder, "kubelet.sock");

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        _written.Dispose();
    }

    [Fact]
    public async Task At_steady_state_two_writes_an_hour_are_made()
    {
        using var driver = StandInDriver.Create(Scenario.Machine(Fixtures.Machine("dgx-h100")));
        using var agent = Create(driver);
        for (var second = 0; second < 3600; second += 10)
        {
            // Memory goes up and down a little, as that of a running job does.
            driver.Play(Scenario.Machine(Fixtures.Machine("dgx-h100")).Add($"memory 1 {81559 * Scenario.MiB} {(8000UL + (ulong)(second % 700)) * Scenario.MiB} {70000 * Scenario.MiB}"));
            await agent.TurnAsync(Cancellation);
            _clock.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal(2, _written.Count);
        Assert.Equal(2, agent.Writes);
    }

    [Fact]
    public async Task Memory_that_changed_by_much_is_written_and_no_oftener_than_once_a_minute()
    {
        var scenario = Scenario.Gpus(1);
        using var driver = StandInDriver.Create(scenario);
        using var agent = Create(driver);
        for (var second = 0; second < 600; second += 10)
        {
            driver.Play(scenario.Clone().Add($"memory 0 {81559 * Scenario.MiB} {(second % 20 == 0 ? 1000UL : 60_000UL) * Scenario.MiB} {1000 * Scenario.MiB}"));
            await agent.TurnAsync(Cancellation);
            _clock.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.InRange(_written.Count, 5, 11);
    }

    [Fact]
    public async Task A_fault_is_written_at_once_and_other_changes_go_together()
    {
        var scenario = Scenario.Gpus(2).Add($"mig 0 0 0");
        using var driver = StandInDriver.Create(scenario);
        using var agent = Create(driver);
        await agent.TurnAsync(Cancellation);
        Assert.Single(_written);

        _clock.Advance(TimeSpan.FromSeconds(1));
        driver.Play(scenario.Clone().Add($"mig 0 0 1"));
        Assert.InRange((await agent.TurnAsync(Cancellation)).TotalSeconds, 3, 5);
        Assert.Single(_written);

        driver.Play(scenario.Clone().Add($"mig 0 0 1").Add($"remap 1 0 1"));
        await agent.TurnAsync(Cancellation);
        Assert.Equal(2, _written.Count);
        Assert.Equal((true, true), (_written.Last().Gpus[0].MigModePending, _written.Last().Gpus[1].Health.Unhealthy));
    }

    [Fact]
    public async Task An_XID_withdraws_its_GPU_without_waiting_for_the_next_look()
    {
        var scenario = Scenario.Gpus(2);
        using var driver = StandInDriver.Create(scenario);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        using var agent = Create(driver, TimeProvider.System, TimeSpan.FromHours(1));
        var running = agent.RunAsync(end.Token);
        Assert.True(_written.TryTake(out var first, TimeSpan.FromMinutes(1)));
        Assert.All(first.Gpus, g => Assert.False(g.Health.Unhealthy));

        // The first is the program's own fault and is only told; the next look takes both.
        driver.Play(scenario.Clone().Add($"xid 0 31").Add($"xid 1 79"));
        V1.NodeReport? last = null;
        while (last?.Gpus[1].Health.Unhealthy != true)
        {
            Assert.True(_written.TryTake(out last, TimeSpan.FromMinutes(1)));
        }

        Assert.Equal((false, true), (last.Gpus[0].Health.Unhealthy, last.Gpus[1].Health.Unhealthy));
        Assert.Equal([31u], last.Gpus[0].Xids);
        Assert.Equal("XID 79: fallen off the bus", last.Gpus[1].Health.Reason);
        await end.CancelAsync();
        await running;
    }

    [Fact]
    public async Task While_the_driver_is_gone_no_GPU_is_fit_and_after_it_all_are_again()
    {
        var scenario = Scenario.Gpus(2);
        using var driver = StandInDriver.Create(scenario);
        using var agent = Create(driver);
        driver.Play(scenario.Clone().Add($"xid 0 79"));
        await agent.LookOnceAsync(Cancellation);
        await agent.TurnAsync(Cancellation);
        Assert.True(_written.Last().Gpus[0].Health.Unhealthy);

        driver.Play(new Scenario().Add($"init 9"));
        await agent.TurnAsync(Cancellation);
        Assert.Equal(2, _written.Last().Gpus.Count);
        Assert.All(_written.Last().Gpus, g => Assert.True(g.Health.Unhealthy));

        // Loaded anew, it has reset the GPUs.
        driver.Play(scenario);
        await agent.TurnAsync(Cancellation);
        Assert.All(_written.Last().Gpus, g => Assert.False(g.Health.Unhealthy));
    }

    [Fact]
    public async Task An_API_that_is_down_is_tried_with_growing_pauses_and_gets_the_newest_report()
    {
        var scenario = Scenario.Gpus(1);
        using var driver = StandInDriver.Create(scenario);
        using var agent = Create(driver);
        _apiIsDown = true;
        var tries = 0;
        for (var second = 0; second < 600; second++)
        {
            var before = _tries;
            await agent.TurnAsync(Cancellation);
            tries += _tries - before;
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(tries, 6, 16);
        driver.Play(scenario.Clone().Add($"remap 0 0 1"));
        _apiIsDown = false;
        _clock.Advance(TimeSpan.FromMinutes(3));
        await agent.TurnAsync(Cancellation);
        Assert.True(Assert.Single(_written).Gpus[0].RowRemapFailed);
    }

    [Fact]
    public async Task Who_holds_what_comes_from_the_kubelet_and_survives_its_restart()
    {
        using var driver = StandInDriver.Create(Scenario.Gpus(3).Add($"mig 2 1 1").Mig(2, 0, "X MIG 1g.10gb", 3, 1, 5, 1, 9984));
        using var agent = Create(driver);
        Assert.False((await agent.LookOnceAsync(Cancellation)).AssignmentsKnown);
        await using (var kubelet = await FakeKubelet.StartAsync(Socket))
        {
            kubelet.Hand("whole", "nvidia.com/gpu", Scenario.Uuid(1), Scenario.Uuid(0));
            kubelet.Hand("slice", "nvidia.com/gpu.shared", Scenario.Uuid(0) + "::3");
            kubelet.Hand("mig", "nvidia.com/mig-1g.10gb", "MIG-2-5");
            kubelet.Hand("index", "nvidia.com/gpu", "1");
            kubelet.Hand("other", "rdma/hca", "mlx5_0");
            var report = await agent.LookOnceAsync(Cancellation);
            Assert.True(report.AssignmentsKnown);
            Assert.Equal(
                [$"index:{Scenario.Uuid(1)}:1", "mig:MIG-2-5:2", $"slice:{Scenario.Uuid(0)}:0", $"whole:{Scenario.Uuid(0)},{Scenario.Uuid(1)}:0,1"],
                report.Assignments.Select(a => $"{a.Pod}:{string.Join(',', a.Devices)}:{string.Join(',', a.Gpus)}"));

            // A device of several pods is time-sliced; of the others the scheduler knows the holder exactly.
            var held = GpuNodeReader.Read(GpuNodeWriter.ToJson("n", report).Span).Report.Held;
            Assert.Equal(["mig"], held.Where(h => h.IsComplete).Select(h => h.Pod));
        }

        Assert.False((await agent.LookOnceAsync(Cancellation)).AssignmentsKnown);
        await using var again = await FakeKubelet.StartAsync(Socket);
        Assert.True((await agent.LookOnceAsync(Cancellation)).AssignmentsKnown);
    }

    [Fact]
    public async Task Network_cards_are_placed_by_the_kernels_tree()
    {
        // One switch with GPU 0 and mlx5_0; another below the same root port with mlx5_1; eth2 at another root of the same NUMA node.
        using var driver = StandInDriver.Create(Scenario.Gpus(1));
        var sysfs = new FakeSysfs(Path.Combine(_folder, "sys"));
        sysfs.Add("pci0000:00/0000:00:01.0/0000:02:00.0/0000:03:00.0/0000:10:00.0", numa: 1, vendor: "0x10de");
        sysfs.Add("pci0000:00/0000:00:01.0/0000:02:00.0/0000:03:01.0/0000:11:00.0", numa: 1, rdma: "mlx5_0", net: "eth0");
        sysfs.Add("pci0000:00/0000:00:01.0/0000:02:00.0/0000:03:02.0/0000:04:00.0/0000:05:00.0/0000:12:00.0", numa: 1, rdma: "mlx5_1");
        sysfs.Add("pci0000:00/0000:00:02.0/0000:13:00.0", numa: 1, net: "eth1");
        sysfs.Add("pci0000:40/0000:40:01.0/0000:41:00.0", numa: 1, net: "eth2");
        sysfs.Add("pci0000:80/0000:80:01.0/0000:81:00.0", numa: 0, net: "eth3");
        using var agent = new Agent(new NodeAgentOptions { NodeName = "n", Sysfs = sysfs.Root, PodResourcesSocket = Socket }, driver.Open, (_, _) => Task.CompletedTask, NullLogger.Instance);
        var report = await agent.LookOnceAsync(Cancellation);
        Assert.Equal(("pci0000:00", 1), (report.Gpus[0].PcieRoot, report.Gpus[0].NumaNode));
        Assert.Equal(
            ["eth1 HostBridge", "eth2 Node", "eth3 System", "mlx5_0 Single", "mlx5_1 Multiple"],
            report.Nics.Select(n => $"{n.Name} {Assert.Single(n.Gpus)}"));
    }

    private int _tries;

    private Agent Create(StandInDriver driver, TimeProvider? time = null, TimeSpan? interval = null) =>
        new(
            new NodeAgentOptions { NodeName = "n", PodResourcesSocket = Socket, Interval = interval ?? TimeSpan.FromSeconds(10) },
            driver.Open,
            (report, _) =>
            {
                _tries++;
                if (_apiIsDown)
                {
                    throw new KubernetesApiException("it is down");
                }

                _written.Add(report, CancellationToken.None);
                return Task.CompletedTask;
            },
            NullLogger.Instance,
            time ?? _clock);
}
