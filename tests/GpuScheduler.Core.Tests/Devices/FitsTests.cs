using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class FitsTests
{
    [Fact]
    public void A_request_fits_exactly_when_there_is_a_pick_and_is_refused_for_the_same_reason()
    {
        var random = new Random(17);
        var (yes, no) = (0, 0);
        for (var sample = 0; sample < 20_000; sample++)
        {
            var shape = new NodeShape(Enum.GetValues<NodeKind>()[random.Next(Enum.GetValues<NodeKind>().Length)], "n", Unhealthy: random.Next(2), Missing: random.Next(3));
            var facts = NodeFactsBuilder.Build(shape.Node(), random.Next(2) == 0 ? shape.Report() : null);
            var node = NodeInfo.Build(facts, [.. Enumerable.Range(0, facts.Gpus.Length).Where(_ => random.Next(2) == 0).Select(gpu => new Allocation(
                new PodBuilder($"old-{gpu}").Build(), "n", new DeviceAssignment([new AssignedDevice(gpu)]), AllocationState.Bound))]);
            var request = PodShape.Random(random).Builder("p").Build().Request;
            var fits = DeviceAllocator.Fits(request, node, out var one);
            Assert.Equal(Picks.TryPick(request, node, out _, out var other), fits);
            Assert.Equal(other, one);
            _ = fits ? yes++ : no++;
        }

        Assert.True(yes > 1000 && no > 1000, $"{yes} fit, {no} do not");
    }

    [Fact]
    public void Required_links_are_looked_for_and_not_only_counted()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("NVIDIA-L40S", 8).Build(), null);
        Assert.True(DeviceAllocator.Fits(new GpuRequest { WholeGpus = 2 }, facts.Empty, out _));
        Assert.False(DeviceAllocator.Fits(new GpuRequest { WholeGpus = 2, Nvlink = NvlinkRequirement.Required }, facts.Empty, out var why));
        Assert.Equal(Reasons.FreeGpusNotLinked, why);
    }
}
