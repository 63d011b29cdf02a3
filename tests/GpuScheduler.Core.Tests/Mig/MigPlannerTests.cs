using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Mig;

public class MigPlannerTests
{
    private const string A100With40 = "NVIDIA-A100-SXM4-40GB";

    [Fact]
    public void What_is_free_serves_before_any_node_is_changed()
    {
        var cluster = Cluster(Node("idle", "7g.80gb", 1), Node("used", "1g.10gb", 7));
        Use(cluster, "used", "1g.10gb", 5);

        Assert.Empty(Plan(cluster, Pods("1g.10gb", 2)).Changes);
        Assert.Equal("idle: all-1g.10gb", Changes(Plan(cluster, Pods("1g.10gb", 3))));
    }

    [Fact]
    public void Where_instances_are_made_on_demand_what_fits_beside_those_in_use_counts()
    {
        // Announced are more devices than fit at once, as device plugins do that make them when a pod comes.
        var dynamic = new NodeBuilder("dynamic").Product(MigWorld.Product).Count(1).Mig("1g.10gb", 7).Mig("3g.40gb", 2).Mig("7g.80gb", 1).Build();
        var cluster = Cluster(Node("idle", "7g.80gb", 1), dynamic);
        Use(cluster, "dynamic", "3g.40gb", 1);

        Assert.Empty(Plan(cluster, Pods("3g.40gb", 1)).Changes);
        Assert.Equal("idle: all-3g.40gb", Changes(Plan(cluster, Pods("3g.40gb", 2))));
    }

    [Fact]
    public void The_configuration_that_serves_the_most_is_chosen_and_the_node_with_the_fewest_GPUs()
    {
        var cluster = Cluster(Node("eight", "7g.80gb", 1, gpus: 8), Node("one", "7g.80gb", 1, gpus: 1));

        Assert.Equal("one: all-balanced", Changes(Plan(cluster, [.. Pods("1g.10gb", 2), .. Pods("2g.20gb", 1), .. Pods("3g.40gb", 1)])));
        Assert.Equal("one: all-3g.40gb", Changes(Plan(cluster, Pods("3g.40gb", 2))));
        Assert.Equal("eight: all-3g.40gb", Changes(Plan(cluster, Pods("3g.40gb", 9), changes: 1)));
    }

    [Fact]
    public void The_urgent_are_served_first_of_requests_that_are_alike()
    {
        var plan = Plan(Cluster(Node("n", "7g.80gb", 1)), [.. Pods("3g.40gb", 2, priority: 0), .. Pods("3g.40gb", 2, priority: 5)]);

        Assert.Equal(2, plan.Pods.Length);
        Assert.All(plan.Pods, p => Assert.Equal(5, p.Priority));
    }

    [Theory]
    [InlineData("model")]
    [InlineData("memory")]
    [InlineData("selector")]
    [InlineData("taint")]
    [InlineData("cordon")]
    [InlineData("cpu")]
    [InlineData("health")]
    [InlineData("single")]
    public void A_node_is_not_changed_for_pods_that_could_not_go_there_nor_when_it_is_not_well(string why)
    {
        var node = new NodeBuilder("n").Product(why == "single" ? MigWorld.Product + "-MIG-7g.80gb" : MigWorld.Product).Count(1).Label(MigLabels.Dynamic, "true").Label(MigLabels.Config, "all-7g.80gb");
        _ = why == "single" ? node.Whole(1) : node.Mig("7g.80gb", 1);
        if (why is "taint" or "cordon")
        {
            node.Taint(why == "cordon" ? NodeTaint.Unschedulable : new NodeTaint("team", "x", "NoSchedule"));
        }

        var cluster = Cluster(node.Build());
        if (why == "health")
        {
            cluster.UpsertReport("n", new NodeReport([new GpuInfo { Index = 0, Healthy = false, Mig = MigMode.Fixed }], null, null));
        }

        var pod = new PodBuilder("p").Mig("1g.10gb");
        _ = why switch
        {
            "model" => pod.Model("H100"),
            "memory" => pod.MinMemoryMiB(20_000),
            "selector" => pod.Demands(new NodeDemands([new NodeRequirement("nvidia.com/gpu.product", "In", ["other"])], [], [])),
            "cpu" => pod.Request("cpu", "1000"),
            _ => pod,
        };

        Assert.Empty(Plan(cluster, [pod.Build()]).Changes);
    }

    [Fact]
    public void One_name_of_a_profile_is_served_by_all_products_that_have_it()
    {
        // 1g.10gb takes one memory slice of an A100 80 GB, and two of an A100 40 GB.
        MigConfig[] configs = [MigWorld.All("seven", ("1g.10gb", 7)), MigWorld.All("four", ("1g.10gb", 4))];
        var small = new NodeBuilder("small").Product(A100With40).Count(1).Mig("7g.40gb", 1).Label(MigLabels.Dynamic, "true").Build();
        var plan = Plan(Cluster(small, Node("large", "7g.80gb", 1)), Pods("1g.10gb", 11), configs: configs);

        Assert.Equal("large: seven, small: four", Changes(plan));
        Assert.Equal(11, plan.Pods.Length);
    }

    [Fact]
    public void What_a_plan_promises_is_what_can_be_placed_once_its_nodes_are_changed()
    {
        var random = new Random(5);
        var changed = 0;
        for (var sample = 0; sample < 150; sample++)
        {
            string[] profiles = ["1g.10gb", "2g.20gb", "3g.40gb", "7g.80gb"];
            int[] most = [7, 3, 2, 1];
            var nodes = Enumerable.Range(0, random.Next(1, 6)).Select(i =>
            {
                var cut = random.Next(4);
                return (Object: Node($"n{i}", profiles[cut], most[cut], random.Next(1, 3), random.Next(4) > 0), Cut: cut);
            }).ToList();
            var cluster = Cluster([.. nodes.Select(n => n.Object)]);
            var used = new HashSet<string>();
            foreach (var (node, cut) in nodes.Where(_ => random.Next(3) == 0))
            {
                Use(cluster, node.Name, profiles[cut], 1);
                used.Add(node.Name);
            }

            List<PodInfo> pods = [.. Enumerable.Range(0, random.Next(1, 15)).Select(i => new PodBuilder($"p{sample}-{i}").Mig(profiles[random.Next(4)]).Build())];
            var plan = Plan(cluster, pods);
            foreach (var change in plan.Changes)
            {
                Assert.DoesNotContain(change.Node, used);
                var before = nodes.Single(n => n.Object.Name == change.Node).Object;
                Assert.Equal("true", before.Labels.GetValueOrDefault(MigLabels.Dynamic));
                Assert.True(change.Config.TryApply(cluster.Current.Find(change.Node)!.Facts, out var target, out _));
                var after = new NodeBuilder(change.Node).Product(MigWorld.Product).Count(target.Gpus.Length).Whole(target.Whole);
                for (var p = 0; p < target.Total.Length; p++)
                {
                    after.Mig(target.Geometry.Profiles[p].Name, target.Total[p]);
                }

                cluster.UpsertNode(after.Build());
                Assert.True(target.IsOfferedBy(cluster.Current.Find(change.Node)!.Facts));
                changed++;
            }

            var engine = new SchedulingEngine(cluster, new EngineOptions { Profile = Profile.Create(new ScoreWeights()) });
            Assert.All(plan.Pods, pod => Assert.NotNull(engine.Schedule(pod).Allocation));
        }

        Assert.True(changed > 50, $"only {changed} nodes were changed");
    }

    private static NodeObject Node(string name, string profile, int count, int gpus = 1, bool dynamic = true)
    {
        var node = new NodeBuilder(name).Product(MigWorld.Product).Count(gpus).Mig(profile, count * gpus).Label(MigLabels.Config, "all-" + profile).Label(MigLabels.State, MigLabels.Success);
        return dynamic ? node.Label(MigLabels.Dynamic, "true").Build() : node.Build();
    }

    private static ClusterState Cluster(params NodeObject[] nodes)
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        cluster.ReplaceNodes(nodes);
        return cluster;
    }

    private static void Use(ClusterState cluster, string node, string profile, int count) =>
        cluster.UpsertPod(new PodBuilder($"user-{node}-{profile}").Mig(profile, count).On(node).Build());

    private static List<PodInfo> Pods(string profile, int count, int priority = 0) =>
        [.. Enumerable.Range(0, count).Select(i => new PodBuilder($"{profile}-{priority}-{i}").Mig(profile).Priority(priority).Build())];

    private static string Changes(MigClusterPlan plan) => string.Join(", ", plan.Changes.OrderBy(c => c.Node, StringComparer.Ordinal).Select(c => $"{c.Node}: {c.Config.Name}"));

    private static MigClusterPlan Plan(ClusterState cluster, IReadOnlyList<PodInfo> pods, int changes = int.MaxValue, IReadOnlyList<MigConfig>? configs = null)
    {
        var nodes = cluster.Current.Nodes;
        var geometries = new HashSet<MigGeometry>(ReferenceEqualityComparer.Instance);
        foreach (var node in nodes)
        {
            if (node?.Facts.Model?.Mig is { } geometry)
            {
                geometries.Add(geometry);
            }
        }

        var planner = new MigPlanner(configs is null ? MigWorld.Configs : [.. configs], pods, geometries);
        foreach (var node in nodes)
        {
            planner.Add(node!, _ => true);
        }

        return planner.Solve(new GreedyMigSolver(), new SolveLimit(TimeProvider.System, TimeSpan.FromMinutes(1)), changes);
    }
}
