using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Core.Shadow;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Shadow;

public sealed class ShadowClusterTests
{
    private const string Product = "NVIDIA-L40S";

    private readonly HeardChanges _heard = new();
    private readonly ClusterState _live;

    public ShadowClusterTests() => _live = new ClusterState(new ManualTimeProvider(), new LedgerOptions()) { Observer = _heard };

    [Fact]
    public void Pods_that_were_placed_stay_with_what_they_hold_whoever_says_it()
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 4).Build());
        var annotated = Whole("annotated", 1).On("a", Devices(0)).Build();
        _live.UpsertPod(annotated);
        _live.UpsertPod(Whole("told", 1).On("a", Devices(1)).Build());
        _live.UpsertReport("a", Report(4, ("pod-told", Devices(3))));
        var promised = new SchedulingEngine(_live, new EngineOptions()).Promise(Whole("promised", 1).Build(), "a");
        Assert.True(promised.IsGranted);
        var shadow = Begin();

        // From now on the kubelet speaks of what is there, and no longer of what is here.
        _live.UpsertReport("a", Report(4, ("pod-annotated", Devices(2))));
        _live.UpsertPod(annotated with { Assignment = Devices(2) });
        _heard.TellTo(shadow);

        Assert.Equal(["annotated 0", "promised " + promised.Allocation.Devices.Devices[0].Gpu, "told 3"], Held(shadow));
        Assert.Equal(AllocationState.Bound, shadow.Cluster.TryGetAllocation("promised", out var held) ? held.State : AllocationState.Tentative);
        _live.DeletePod("told");
        _live.UpsertPod(annotated with { IsTerminal = true });
        _heard.TellTo(shadow);
        Assert.Equal(["promised " + promised.Allocation.Devices.Devices[0].Gpu], Held(shadow));
        Assert.Empty(shadow.Pods);
    }

    [Fact]
    public void Those_that_wait_when_it_begins_have_their_turn_the_most_urgent_first()
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 1).Build());
        _live.UpsertPod(Whole("first", 1).Build());
        _live.UpsertPod(Whole("urgent", 1).Priority(5).Build());
        var shadow = Begin();

        Assert.Equal("a", shadow.Pods["urgent"].Node);
        Assert.Null(shadow.Pods["first"].Node);
        Assert.Equal((1, 2), (shadow.RefusedPods, shadow.Decisions));
        Assert.Equal(["first", "urgent"], shadow.TakeDecided().Select(p => p.Pod.Uid).Order(StringComparer.Ordinal));
        Assert.Empty(shadow.TakeDecided());
    }

    [Theory]
    [InlineData("default")]
    [InlineData("fgd")]
    [InlineData("firstfit")]
    [InlineData("random")]
    public void Its_cluster_knows_the_pods_that_wait_whether_the_profile_learns_or_not(string policy)
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 1).Build());
        _live.UpsertPod(Whole("early", 2).Build());
        var shadow = Begin(policy);
        _live.UpsertPod(Whole("fits", 1).Build());
        _live.UpsertPod(Whole("late", 1).Build());
        _heard.TellTo(shadow);
        Assert.Equal(["early", "late"], shadow.Waiting.Select(p => p.Pod.Uid).Order(StringComparer.Ordinal));
        Assert.Equal(["early", "late"], shadow.Cluster.Pods.Where(p => p.WaitsForGpus).Select(p => p.Uid).Order(StringComparer.Ordinal));
        _live.DeletePod("late");
        _heard.TellTo(shadow);
        Assert.Equal("early", Assert.Single(shadow.Cluster.Pods, p => p.WaitsForGpus).Uid);
    }

    [Fact]
    public void What_becomes_of_a_pod_there_changes_nothing_here_until_it_ends()
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 1).Build());
        _live.UpsertNode(new NodeBuilder("b").Gpus(Product, 1).Build());
        var shadow = Begin("firstfit");
        _live.UpsertPod(Whole("p", 1).Build());
        _live.UpsertPod(Whole("p", 1).On("b", Devices(0)).Build());
        _live.UpsertPod(Whole("q", 1).Build());
        _live.UpsertPod(Whole("q", 1).On("a", Devices(0)).Build());
        _heard.TellTo(shadow);
        Assert.Equal(("a", "b"), (shadow.Pods["p"].Node, shadow.Pods["q"].Node));

        _live.ReplacePods([Whole("q", 1).On("a", Devices(0)).Build(), Whole("r", 1).On("b", Devices(0)).Build()], consistent: true);
        _heard.TellTo(shadow);
        Assert.Equal(("b", "a"), (shadow.Pods["q"].Node, shadow.Pods["r"].Node));
        Assert.False(shadow.Pods.ContainsKey("p"));
    }

    [Fact]
    public void A_pod_without_GPUs_is_where_it_is_there_and_takes_its_CPU_there()
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 1).Allocatable("cpu", "2").Build());
        _live.UpsertNode(new NodeBuilder("b").Gpus(Product, 1).Allocatable("cpu", "2").Build());
        var shadow = Begin("firstfit");
        _live.UpsertPod(new PodBuilder("web").Request("cpu", "2").On("a").Build());
        _live.UpsertPod(Whole("p", 1).Request("cpu", "1").Build());
        _live.UpsertPod(Whole("q", 1).Request("cpu", "1").Build());
        _heard.TellTo(shadow);
        Assert.Equal(("b", null), (shadow.Pods["p"].Node, shadow.Pods["q"].Node));

        _live.DeletePod("web");
        _heard.TellTo(shadow);
        Assert.True(shadow.CanRetry);
        shadow.Retry();
        Assert.Equal("a", shadow.Pods["q"].Node);
        Assert.False(shadow.CanRetry);
        Assert.Empty(shadow.Waiting);
    }

    [Fact]
    public void Selectors_affinity_and_taints_count_as_far_as_they_are_known()
    {
        var taint = new NodeTaint("nvidia.com/gpu", "present", "NoSchedule");
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 4).Taint(taint).Build());
        _live.UpsertNode(new NodeBuilder("b").Gpus(Product, 4).Label("kubernetes.io/arch", "arm64").Build());
        _live.UpsertNode(new NodeBuilder("c").Gpus(Product, 4).Label("kubernetes.io/arch", "amd64").Build());
        var shadow = Begin("firstfit");
        _live.UpsertPod(Whole("tolerates", 1).Demands(new NodeDemands([], [], [new Toleration("nvidia.com/gpu", true, "", "")])).Build());
        _live.UpsertPod(Whole("selects", 1).Demands(new NodeDemands([new NodeRequirement("kubernetes.io/arch", "In", ["amd64"])], [], [])).Build());
        _live.UpsertPod(Whole("unknown", 1).Build());
        _heard.TellTo(shadow);
        Assert.Equal(("a", "c", "b"), (shadow.Pods["tolerates"].Node, shadow.Pods["selects"].Node, shadow.Pods["unknown"].Node));
    }

    [Fact]
    public void What_a_pod_asked_of_nodes_counts_for_as_long_as_it_waits_here_though_it_is_bound_there()
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 1).Label("kubernetes.io/arch", "arm64").Build());
        var shadow = Begin("firstfit");
        _live.UpsertPod(Whole("p", 1).Demands(new NodeDemands([new NodeRequirement("kubernetes.io/arch", "In", ["amd64"])], [], [])).Build());
        _live.UpsertPod(Whole("p", 1).On("elsewhere", Devices(0)).Build());
        _heard.TellTo(shadow);
        shadow.Retry();
        Assert.Null(shadow.Pods["p"].Node);
        _live.UpsertNode(new NodeBuilder("b").Gpus(Product, 1).Label("kubernetes.io/arch", "amd64").Build());
        _heard.TellTo(shadow);
        shadow.Retry();
        Assert.Equal("b", shadow.Pods["p"].Node);
    }

    [Fact]
    public void A_node_of_which_nothing_new_is_said_has_nobody_tried_again()
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 1).Build());
        var shadow = Begin("firstfit");
        _live.UpsertPod(Whole("p", 2).Build());
        _heard.TellTo(shadow);
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 1).Build());
        _heard.TellTo(shadow);
        Assert.False(shadow.CanRetry);
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 2).Build());
        _heard.TellTo(shadow);
        Assert.True(shadow.CanRetry);
        shadow.Retry();
        Assert.Equal("a", shadow.Pods["p"].Node);
    }

    [Fact]
    public void Pods_whose_node_is_gone_are_decided_anew()
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 1).Build());
        _live.UpsertNode(new NodeBuilder("b").Gpus(Product, 1).Build());
        var shadow = Begin("firstfit");
        _live.UpsertPod(Whole("p", 1).Build());
        _live.DeleteNode("a");
        _heard.TellTo(shadow);
        Assert.Null(shadow.Pods["p"].Node);
        Assert.Equal(1, shadow.Displaced);
        shadow.Retry();
        Assert.Equal("b", shadow.Pods["p"].Node);
        _live.ReplaceNodes([]);
        _heard.TellTo(shadow);
        Assert.Null(shadow.Pods["p"].Node);
        Assert.Empty(shadow.Cluster.Current.Nodes.OfType<NodeInfo>());
    }

    [Fact]
    public void A_gang_is_decided_when_its_members_are_there_and_not_by_the_plan_made_there()
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 2).Build());
        _live.UpsertNode(new NodeBuilder("b").Gpus(Product, 2).Build());
        var shadow = Begin();
        PodInfo Member(int i, string? planned = null) => Whole($"m{i}", 2).Annotate("gpuscheduler.io/gang-name", "g").Annotate("gpuscheduler.io/gang-size", "2").Gate(GpuAnnotations.GangGate).Build() with { PlannedNode = planned };
        _live.UpsertPod(Member(0));
        _heard.TellTo(shadow);
        Assert.Equal(0, shadow.RefusedPods);
        Assert.Null(shadow.Pods["m0"].Node);

        _live.UpsertPod(Member(1, planned: "b") with { SchedulingGates = [] });
        _heard.TellTo(shadow);
        Assert.Equal(["a", "b"], shadow.Pods.Values.Select(p => p.Node).Order(StringComparer.Ordinal));

        _live.UpsertPod(Whole("m2", 2).Annotate("gpuscheduler.io/gang-name", "h").Annotate("gpuscheduler.io/gang-size", "1").Build());
        _heard.TellTo(shadow);
        Assert.Null(shadow.Pods["m2"].Node);
        _live.DeletePod("m0");
        _live.DeletePod("m1");
        _heard.TellTo(shadow);
        shadow.Retry();
        Assert.NotNull(shadow.Pods["m2"].Node);
    }

    [Fact]
    public void What_declares_a_gang_is_heard_of_too()
    {
        var id = new GroupObjectId(GroupKinds.CoschedulingPodGroup, "default", "g");
        var gang = new GangMembership { Key = new GangKey("default", "scheduler-plugins", "g"), Object = id };
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 2).Build());
        _live.ReplaceGroupObjects(id.Kind, []);
        var shadow = Begin();
        _live.UpsertPod(Whole("m0", 1).Build() with { Gang = gang });
        _live.UpsertPod(Whole("m1", 1).Build() with { Gang = gang });
        _heard.TellTo(shadow);
        Assert.Equal((2, 0), (shadow.Waiting.Count, shadow.RefusedGangs));

        _live.UpsertGroupObject(new GroupObject { Id = id, MinMembers = 3 });
        _live.DeleteGroupObject(id);
        _live.ReplaceGroupObjects(id.Kind, [new GroupObject { Id = id, MinMembers = 2 }]);
        _heard.TellTo(shadow);
        shadow.Retry();
        Assert.Empty(shadow.Waiting);
    }

    [Fact]
    public void Of_pods_that_have_ended_nothing_is_kept()
    {
        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 4).Build());
        var shadow = Begin();
        var gone = Enumerable.Range(0, 200).Select(i => ComeAndGo(shadow, $"p{i}")).ToList();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        // A few are: the last one decided on, and those by which scores of their like are known.
        Assert.InRange(gone.Count(g => g.IsAlive), 0, 10);
        Assert.Empty(shadow.Cluster.Pods);
        Assert.Equal(200, shadow.Decisions);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private WeakReference ComeAndGo(ShadowCluster shadow, string uid)
    {
        var pod = Whole(uid, 1).Build();
        _live.UpsertPod(pod);
        _live.UpsertPod(pod with { NodeName = "a", Assignment = Devices(0) });
        _heard.TellTo(shadow);
        Assert.Equal("a", shadow.Pods[uid].Node);
        _live.DeletePod(uid);
        _heard.TellTo(shadow);
        shadow.TakeDecided();
        return new WeakReference(pod);
    }

    [Fact]
    public void Retries_can_be_interrupted_and_go_on_later()
    {
        var shadow = Begin("firstfit");
        for (var i = 0; i < 4; i++)
        {
            _live.UpsertPod(Whole($"p{i}", 1).Build());
        }

        _live.UpsertNode(new NodeBuilder("a").Gpus(Product, 4).Build());
        _heard.TellTo(shadow);
        var tries = 0;
        shadow.Retry(() => tries++ == 2);
        Assert.Equal((2, true), (shadow.Waiting.Count, shadow.CanRetry));
        shadow.Retry();
        Assert.Empty(shadow.Waiting);
    }

    [Fact]
    public void A_policy_that_scatters_leaves_more_GPUs_idle_than_the_one_that_serves()
    {
        var (idle, waiting) = (new[] { 0.0, 0.0 }, new[] { 0, 0 });
        for (var seed = 0; seed < 8; seed++)
        {
            var random = new Random(seed);
            var live = new ClusterState(new ManualTimeProvider(), new LedgerOptions()) { Observer = _heard };
            for (var i = 0; i < 24; i++)
            {
                live.UpsertNode(new NodeBuilder($"n{i}").Gpus("NVIDIA-H100-80GB-HBM3", 8).Build());
            }

            var sides = ShadowCluster.Begin(live, [Create("default"), Create("random")], null, _heard.Forget);
            var running = new List<string>();
            for (var i = 0; i < 600; i++)
            {
                var uid = $"p{i}";
                int[] sizes = [1, 1, 1, 2, 4, 8, 8];
                var pod = random.Next(4) == 0 ? new PodBuilder(uid).Share(milli: 250 * random.Next(1, 4)).Build() : new PodBuilder(uid).Gpus(sizes[random.Next(sizes.Length)]).Build();
                live.UpsertPod(pod);
                running.Add(uid);
                if (running.Count > 90)
                {
                    var over = random.Next(running.Count);
                    live.DeletePod(running[over]);
                    running.RemoveAt(over);
                }

                _heard.TellToAll(sides);
                foreach (var side in sides)
                {
                    side.Retry();
                }
            }

            for (var s = 0; s < 2; s++)
            {
                idle[s] += sides[s].Cluster.Current.Nodes.OfType<NodeInfo>().Sum(n => n.FreeCardMilli) / 1000.0;
                waiting[s] += sides[s].Waiting.Count;
            }
        }

        Assert.True(idle[1] > idle[0] && waiting[1] > waiting[0], $"idle {idle[0]} by default and {idle[1]} at random, waiting {waiting[0]} and {waiting[1]}");
    }

    private static Profile Create(string policy) => policy == "default"
        ? Profile.Create(new ScoreWeights())
        : PlacementPolicies.Create(policy, new PolicyContext()) with { Filters = Profile.DefaultFilters };

    private static PodBuilder Whole(string uid, int gpus) => new PodBuilder(uid).Gpus(gpus);

    private static DeviceAssignment Devices(params int[] gpus) => new([.. gpus.Select(g => new AssignedDevice(g))]);

    private static NodeReport Report(int gpus, params (string Pod, DeviceAssignment Devices)[] held) =>
        new([.. Enumerable.Range(0, gpus).Select(i => new GpuInfo { Index = i, MemoryMiB = 46_068 })], null, null)
        {
            Held = [.. held.Select(h => new HeldDevices("default", h.Pod, h.Devices, true))],
        };

    private static IEnumerable<string> Held(ShadowCluster shadow) => shadow.Cluster.Current.Find("a")!.Allocations.Select(a => $"{a.Pod.Uid} {string.Join(',', a.Devices.Devices.Select(d => d.Gpu))}").Order(StringComparer.Ordinal);

    private ShadowCluster Begin(string policy = "default") => ShadowCluster.Begin(_live, [Create(policy)], new GangOptions(), _heard.Forget).Single();
}
