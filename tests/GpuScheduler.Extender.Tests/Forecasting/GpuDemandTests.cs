using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Forecasting;

public sealed class GpuDemandTests
{
    [Fact]
    public void Pods_that_run_and_pods_that_wait_demand_and_those_that_cannot_start_or_are_over_do_not()
    {
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        cluster.UpsertPod(new PodBuilder("runs").Gpus(4).Model("A100").On("n").Build());
        cluster.UpsertPod(new PodBuilder("waits").Gpus(2).Model("H100|A100").Build());
        cluster.UpsertPod(new PodBuilder("shares").Share(milli: 500).Build());
        cluster.UpsertPod(new PodBuilder("over").Gpus(8).On("n").Phase("Succeeded").Build());
        cluster.UpsertPod(new PodBuilder("gated").Gpus(8).Gate("kueue.x-k8s.io/admission").Build());
        cluster.UpsertPod(new PodBuilder("none").Build());

        var demand = GpuDemand.Of(cluster);
        Assert.Equal((4000, 2500), (demand.RunningMilli, demand.WaitingMilli));
        Assert.Equal(["A100 4000", "A100_or_H100 2000"], demand.ByModel.Select(m => $"{m.Key} {m.Value}"));
        Assert.Equal(demand.WaitingMilli, PendingWork.Of(cluster).Sum(p => p.Milli));
    }

    [Theory]
    [InlineData("a100", "A100")]
    [InlineData("h100|A100|a100", "A100_or_H100")]
    [InlineData("RTX 6000\"Ada{}", "RTX-6000-ADA")]
    [InlineData("***", null)]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123", null)]
    public void Models_are_one_word_that_a_label_can_hold(string models, string? word)
    {
        Assert.Equal(word, GpuDemand.ModelOf(new GpuRequest { WholeGpus = 1, Models = [.. models.Split('|')] }));
        Assert.Null(GpuDemand.ModelOf(new GpuRequest { WholeGpus = 1 }));
    }
}
