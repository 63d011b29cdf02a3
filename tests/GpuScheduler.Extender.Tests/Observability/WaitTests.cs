using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Observability;

public sealed class WaitTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Pods_that_want_GPUs_and_have_no_node_wait_and_parts_of_GPUs_count_as_parts()
    {
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        cluster.UpsertNode(new NodeBuilder("n").Gpus("Tesla-T4", 4).MemoryMiB(16_000).Allocatable("cpu", "8").Allocatable("memory", "64Gi").Build());
        cluster.UpsertPod(new PodBuilder("whole").Gpus(2).Build());
        cluster.UpsertPod(new PodBuilder("milli").Share(milli: 250).Build());
        cluster.UpsertPod(new PodBuilder("memory").Share(memoryMiB: 8000).Build());
        cluster.UpsertPod(new PodBuilder("mig").Mig("3g.40gb", 7).Build());
        cluster.UpsertPod(new PodBuilder("bound").Gpus(1).On("n").Build());
        cluster.UpsertPod(new PodBuilder("cpu").Request("cpu", "1").Build());
        cluster.UpsertPod(new PodBuilder("gated by others").Gpus(1).Gate("kueue.x-k8s.io/admission").Build());
        cluster.UpsertPod(new PodBuilder("gated by us").Gpus(1).Gate("gpuscheduler.io/gang").Build());

        var waits = Assert.Single(PendingWork.Of(cluster));
        Assert.Equal((PendingWork.Single, 5), (waits.Kind, waits.Pods));
        Assert.Equal(2000 + 250 + 500 + 3000 + 1000, waits.Milli);
    }

    [Fact]
    public void A_gang_waits_from_when_it_was_first_seen_until_it_runs_and_its_state_counts_anew_when_it_changes()
    {
        var waits = new GangWaits();
        Assert.Empty(waits.Look([View("old", GangState.Running), View("a", GangState.Waiting)], s_start));
        Assert.Empty(waits.Look([View("old", GangState.Running), View("a", GangState.Unplaced)], s_start.AddSeconds(5)));
        var wait = Assert.Single(waits.Current);
        Assert.Equal(("a", GangState.Unplaced, s_start, s_start.AddSeconds(5)), (wait.Gang.Name, wait.State, wait.Since, wait.InState));

        Assert.Equal([TimeSpan.FromSeconds(9), TimeSpan.Zero], waits.Look([View("a", GangState.Running), View("quick", GangState.Running)], s_start.AddSeconds(9)));
        Assert.Empty(waits.Current);
        Assert.Empty(waits.Look([View("a", GangState.Running)], s_start.AddSeconds(10)));

        // A member is lost: the wait begins anew. A gang that is gone is forgotten.
        Assert.Empty(waits.Look([View("a", GangState.Waiting), View("b", GangState.Waiting)], s_start.AddSeconds(20)));
        Assert.Equal(2, waits.Current.Count);
        Assert.Equal([TimeSpan.FromSeconds(2)], waits.Look([View("a", GangState.Running)], s_start.AddSeconds(22)));
        Assert.Empty(waits.Current);
    }

    private static GangView View(string name, GangState state) => new()
    {
        Group = new PodGroup { Key = new GangKey("team", "annotation", name), Standing = PodGroupStanding.Complete },
        State = state,
        Reason = "",
        Members = [],
    };
}
