using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Cluster;

public class SnapshotTests
{
    [Fact]
    public void A_published_snapshot_never_changes_and_the_next_differs_only_where_something_happened()
    {
        var random = new Random(4);
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        var published = new List<(Snapshot Snapshot, List<NodeInfo?> Nodes)>();
        var catchUps = new List<(long Seen, int At)>();
        for (var step = 0; step < 600; step++)
        {
            var touched = new HashSet<string>();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var name = $"n{random.Next(400)}";
                touched.Add(name);
                switch (random.Next(4))
                {
                    case 0:
                        cluster.DeleteNode(name);
                        break;
                    case 1:
                        cluster.UpsertPod(new PodBuilder($"p{step}-{i}").On(name).Build());
                        break;
                    default:
                        cluster.UpsertNode(new NodeBuilder(name).Allocatable("cpu", $"{random.Next(1, 9)}").Build());
                        break;
                }
            }

            var snapshot = cluster.Current;
            List<NodeInfo?> nodes = [.. Enumerable.Range(0, snapshot.Nodes.Length).Select(p => snapshot.Nodes[p])];
            if (published.Count > 0)
            {
                var before = published[^1].Nodes;
                for (var p = 0; p < nodes.Count; p++)
                {
                    var was = p < before.Count ? before[p] : null;
                    Assert.True(was == nodes[p] || touched.Contains((was ?? nodes[p])!.Facts.Name) || touched.Contains((nodes[p] ?? was)!.Facts.Name));
                }
            }

            // Whoever was last here some steps ago learns of every position that is not what it was.
            if (catchUps.Count > 0)
            {
                var (since, at) = catchUps[random.Next(catchUps.Count)];
                var changed = new List<int>();
                var known = cluster.TryCatchUp(ref since, changed, out var newest, out _);
                Assert.Same(snapshot, newest);
                Assert.Equal(changed.Count, changed.Distinct().Count());
                for (var p = 0; known && p < nodes.Count; p++)
                {
                    Assert.True(changed.Contains(p) || (p < published[at].Nodes.Count && published[at].Nodes[p] == nodes[p]));
                }
            }

            published.Add((snapshot, nodes));
            var now = 0L;
            cluster.TryCatchUp(ref now, [], out _, out _);
            catchUps.Add((now, published.Count - 1));
        }

        foreach (var (snapshot, nodes) in published)
        {
            Assert.Equal(nodes.Count, snapshot.Nodes.Length);
            var p = 0;
            foreach (var node in snapshot.Nodes)
            {
                Assert.Same(nodes[p++], node);
            }
        }
    }

    [Fact]
    public void Nobody_asks_for_a_position_that_is_not_there()
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        Assert.Equal(0, cluster.Current.Nodes.Length);
        cluster.UpsertNode(new NodeBuilder("n").Build());
        Assert.Throws<ArgumentOutOfRangeException>(() => cluster.Current.Nodes[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => cluster.Current.Nodes[-1]);
    }

    [Fact]
    public void A_log_that_was_overrun_says_so()
    {
        var log = new ChangeLog();
        for (var i = 0; i < 1000; i++)
        {
            log.Add(i % 3, 3);
        }

        Assert.False(log.TryList(0, []));
        var positions = new List<int>();
        Assert.True(log.TryList(998, positions));
        Assert.Equal([2, 0], positions);
        Assert.True(log.TryList(1000, positions));
        Assert.Equal(2, positions.Count);
    }
}
