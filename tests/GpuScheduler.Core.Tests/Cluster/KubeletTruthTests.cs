using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Cluster;

public class KubeletTruthTests
{
    private readonly ClusterState _cluster = new(new ManualTimeProvider(), new LedgerOptions());

    public KubeletTruthTests()
    {
        _cluster.UpsertNode(new NodeBuilder("n").Gpus("NVIDIA-A10", 4).Build());
        _cluster.UpsertReport("n", Report());
    }

    [Fact]
    public void A_pod_that_got_other_devices_than_promised_holds_what_it_got()
    {
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("n", Devices(0)).Build());
        _cluster.UpsertReport("n", Report(Held("a", 2)));
        Assert.Equal([2], Taken());
        var finding = Assert.Single(_cluster.Findings("n"));
        Assert.Equal("default/pod-a", finding.Pod);
        Assert.Contains("promised [{\"gpu\":0", finding.Text, StringComparison.Ordinal);

        // Events of the pod go on, and do not undo it.
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("n", Devices(0)).Build());
        Assert.Equal([2], Taken());

        // It is gone, and so is what it held.
        _cluster.DeletePod("a");
        Assert.Empty(Taken());
        Assert.Empty(_cluster.Findings("n"));
    }

    [Fact]
    public void A_promise_that_the_kubelet_kept_is_no_finding()
    {
        _cluster.UpsertPod(new PodBuilder("a").Gpus(2).On("n", Devices(1, 3)).Build());
        _cluster.UpsertReport("n", Report(Held("a", 3, 1)));
        Assert.Equal([1, 3], Taken());
        Assert.Empty(_cluster.Findings("n"));
    }

    [Fact]
    public void A_bound_pod_without_an_annotation_is_known_by_its_kubelet()
    {
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("n").Build());
        Assert.True(_cluster.TryGetAllocation("a", out var guessed) && guessed.State == AllocationState.Presumed);
        _cluster.UpsertReport("n", Report(Held("a", 3)));
        Assert.True(_cluster.TryGetAllocation("a", out var known) && known.State == AllocationState.Bound);
        Assert.Equal([3], Taken());
        _cluster.UpsertReport("n", Report());
        Assert.True(_cluster.TryGetAllocation("a", out guessed) && guessed.State == AllocationState.Presumed);
    }

    [Fact]
    public void After_a_restart_the_order_of_lists_does_not_matter()
    {
        _cluster.ReplaceReports(new Dictionary<string, NodeReport> { ["n"] = Report(Held("a", 2)) });
        _cluster.ReplacePods([new PodBuilder("a").Gpus(1).On("n", Devices(0)).Build()], consistent: true);
        Assert.Equal([2], Taken());
    }

    [Fact]
    public void A_report_from_before_a_pod_was_bound_does_not_speak_of_it()
    {
        _cluster.UpsertReport("n", Report(Held("a", 2)));
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("n", Devices(0)).Build());
        Assert.Equal([0], Taken());
    }

    [Fact]
    public void What_does_not_fit_the_request_is_not_believed()
    {
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("n", Devices(0)).Build());
        _cluster.UpsertPod(new PodBuilder("s").Share(milli: 500).On("n", new DeviceAssignment([new AssignedDevice(1, Milli: 500)])).Build());
        _cluster.UpsertReport("n", Report(Held("a", 2, 3), Held("s", 3)));
        Assert.Equal([0, 1], Taken());
        _cluster.UpsertReport("n", Report(Held("a", 2) with { IsComplete = false }));
        Assert.Equal([0, 1], Taken());
    }

    [Fact]
    public void An_unhealthy_device_is_withdrawn_at_once_and_the_pods_on_it_are_named()
    {
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("n", Devices(2)).Build());
        _cluster.UpsertPod(new PodBuilder("b").Gpus(1).On("n", Devices(1)).Build());
        Assert.Equal(2, _cluster.Current.Find("n")!.FreeGpus);
        var report = Report();
        _cluster.UpsertReport("n", report with { Gpus = report.Gpus.SetItem(2, report.Gpus[2] with { Healthy = false, HealthReason = "XID 79" }).SetItem(3, report.Gpus[3] with { Healthy = false }) });
        Assert.Equal(1, _cluster.Current.Find("n")!.FreeGpus);
        var finding = Assert.Single(_cluster.Findings("n"));
        Assert.Equal(("default/pod-a", true), (finding.Pod, finding.Text.Contains("XID 79", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_report_that_says_the_same_publishes_nothing()
    {
        var before = _cluster.Current;
        _cluster.UpsertReport("n", Report());
        Assert.Same(before, _cluster.Current);
    }

    private IEnumerable<int> Taken() => _cluster.Current.Find("n")!.Allocations.SelectMany(a => a.Devices.Devices).Select(d => d.Gpu).Order();

    private static NodeReport Report(params HeldDevices[] held) =>
        new([.. Enumerable.Range(0, 4).Select(i => new GpuInfo { Index = i, Uuid = $"GPU-{i}", MemoryMiB = 23028 })], null, null) { Held = [.. held] };

    private static HeldDevices Held(string pod, params int[] gpus) => new("default", "pod-" + pod, Devices(gpus), IsComplete: true);

    private static DeviceAssignment Devices(params int[] gpus) => new([.. gpus.Order().Select(g => new AssignedDevice(g, $"GPU-{g}"))]);
}
