using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

/// <summary>The score plugin of docs/extending.md, as it stands there.</summary>
public class DocumentedPluginTests
{
    [Fact]
    public void The_plugin_of_the_documentation_is_this_one()
    {
        var page = File.ReadAllText(Path.Combine(Checkout.Root, "docs", "extending.md"));
        var source = File.ReadAllText(Path.Combine(Checkout.Root, "tests", "GpuScheduler.Core.Tests", "Framework", "OldGpusFirst.cs"));

        Assert.Contains(source.Trim(), page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_profile_with_it_prefers_what_it_prefers()
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        foreach (var (name, major) in new[] { ("new", "12"), ("old", "8") })
        {
            cluster.UpsertNode(new NodeBuilder(name).Gpus("NVIDIA-H100-80GB-HBM3", 8).Label("nvidia.com/gpu.compute.major", major).Build());
        }

        var profile = Profile.Create(new ScoreWeights());
        var engine = new SchedulingEngine(cluster, new EngineOptions { Profile = profile with { Scores = profile.Scores.Add(new WeightedScore(new OldGpusFirst(), 1)) } });

        Assert.Equal("old", engine.Schedule(new PodBuilder("p").Gpus(8).Build()).Allocation?.Node);
    }
}
