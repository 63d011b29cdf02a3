using CsCheck;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using Xunit;

namespace GpuScheduler.Core.Tests.Gangs;

public class GangReaderTests
{
    private const string Ours = GpuAnnotations.GangName;
    private const string Coscheduling = "scheduling.x-k8s.io/pod-group";
    private const string KueueGroup = "kueue.x-k8s.io/pod-group-name";
    private const string JobName = "batch.kubernetes.io/job-name";
    private const string JobIndex = "batch.kubernetes.io/job-completion-index";

    [Fact]
    public void A_pod_that_says_nothing_is_in_no_gang() => Assert.Null(Read(labels: [("app", "x")], annotations: [("other.io/gang-size", "3")]));

    [Theory]
    [InlineData("kubernetes")]
    [InlineData("gpuscheduler")]
    [InlineData("kueue")]
    [InlineData("job")]
    public void Of_several_dialects_the_plainest_counts(string expected)
    {
        var builder = new PodInfoBuilder { Uid = "u", Name = "p" };
        builder.AddLabel(JobName, "j");
        builder.AddLabel(JobIndex, "4");
        if (expected != "job")
        {
            builder.AddLabel(KueueGroup, "q");
        }

        if (expected is "gpuscheduler" or "kubernetes")
        {
            builder.AddAnnotation(Ours, "g");
        }

        if (expected == "kubernetes")
        {
            builder.AddGroupReference("schedulingGroup.podGroupName", "n");
        }

        var gang = builder.Build().Gang!;
        Assert.Equal(expected, gang.Key.Dialect);
        Assert.Null(gang.Invalid);
    }

    [Fact]
    public void Controllers_whose_objects_make_each_other_are_not_at_odds()
    {
        var gang = Read(labels: [(JobName, "set-workers-0"), (JobIndex, "1"), ("jobset.sigs.k8s.io/jobset-name", "set"), ("jobset.sigs.k8s.io/replicatedjob-name", "workers"), ("jobset.sigs.k8s.io/job-index", "0")])!;
        Assert.Equal(new GangKey("default", "jobset", "set"), gang.Key);
        Assert.Equal("workers", gang.Role);
        Assert.Null(gang.Invalid);
    }

    [Fact]
    public void Two_names_of_one_kind_are_a_contradiction_and_the_same_name_twice_is_not()
    {
        Assert.Equal(
            $"the pod names two gangs, by annotation {Ours} \"a\" and by label {Coscheduling} \"b\": keep one of them",
            Read(labels: [(Coscheduling, "b")], annotations: [(Ours, "a")])!.Invalid);
        Assert.Null(Read(labels: [(Coscheduling, "a")], annotations: [(Ours, "a")])!.Invalid);
    }

    [Fact]
    public void A_number_of_the_dialect_and_one_of_ours_must_agree()
    {
        const string Koordinator = "gang.scheduling.koordinator.sh/";
        Assert.Equal(
            $"annotation {GpuAnnotations.GangMinMembers}: \"4\" cannot be used: annotation {Koordinator}min-available says \"3\": let them agree, or remove one of them",
            Read(annotations: [(Koordinator + "name", "g"), (Koordinator + "min-available", "3"), (GpuAnnotations.GangMinMembers, "4")])!.Invalid);
    }

    [Theory]
    [InlineData(GpuAnnotations.GangSize, "0", "a whole number from 1 to 1000000 is allowed")]
    [InlineData(GpuAnnotations.GangSize, "1000001", "a whole number from 1 to 1000000 is allowed")]
    [InlineData(GpuAnnotations.GangMinMembers, "-1", "a whole number from 1 to 1000000 is allowed")]
    [InlineData(GpuAnnotations.GangMinMembers, "four", "a whole number from 1 to 1000000 is allowed")]
    [InlineData(GpuAnnotations.GangRoleMinMembers, "1.0", "a whole number from 1 to 1000000 is allowed")]
    [InlineData(GpuAnnotations.GangIndex, "-1", "a whole number from 0 on is allowed")]
    [InlineData(GpuAnnotations.GangTimeout, "90", "a duration such as 90s, 10m or 1h30m is allowed")]
    [InlineData(GpuAnnotations.Gang, "yes", "required or none is allowed")]
    [InlineData(GpuAnnotations.GangSegmentSize, "4", $"it goes with {GpuAnnotations.GangSegmentRequiredTopology} or {GpuAnnotations.GangSegmentPreferredTopology}")]
    public void A_value_that_cannot_be_used_is_named_with_what_is_allowed(string name, string value, string allowed) =>
        Assert.Equal($"annotation {name}: \"{value}\" cannot be used: {allowed}", Read(annotations: [(Ours, "g"), (name, value)])!.Invalid);

    [Theory]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("a:b")]
    [InlineData("ä")]
    public void A_name_is_one_that_Kubernetes_could_have(string name) => Assert.StartsWith($"annotation {Ours}: \"{name}\" cannot be used", Read(annotations: [(Ours, name)])!.Invalid, StringComparison.Ordinal);

    [Fact]
    public void Words_on_a_gang_without_its_name_are_incomplete()
    {
        Assert.StartsWith("the pod speaks of its gang and does not name it", Read(annotations: [(GpuAnnotations.GangSize, "4")])!.Invalid, StringComparison.Ordinal);
        Assert.StartsWith("the pod speaks of its gang and does not name it", Read(annotations: [(GpuAnnotations.Gang, "required")])!.Invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void Topology_words_alone_make_no_gang() =>
        Assert.Null(Read(annotations: [("kueue.x-k8s.io/podset-required-topology", "rack"), ("kai.scheduler/topology-preferred-placement", "rack")]));

    [Fact]
    public void None_takes_a_pod_out_of_its_controllers_gang_and_contradicts_a_named_one()
    {
        Assert.Null(Read(labels: [(JobName, "j"), (JobIndex, "0")], annotations: [(GpuAnnotations.Gang, "none")]));
        Assert.Contains("remove one of them", Read(labels: [(Coscheduling, "g")], annotations: [(GpuAnnotations.Gang, "none")])!.Invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void A_Job_without_indices_is_no_gang() => Assert.Null(Read(labels: [(JobName, "j")]));

    [Fact]
    public void A_training_job_is_known_by_its_operator_or_by_its_owner()
    {
        Assert.Null(Read(labels: [("training.kubeflow.org/job-name", "j")]));
        Assert.Equal("mpijob", Read(labels: [("training.kubeflow.org/job-name", "j"), ("training.kubeflow.org/operator-name", "mpi-operator")])!.Key.Dialect);
        Assert.Equal("pytorchjob", Read(labels: [("training.kubeflow.org/job-name", "j")], controller: "PyTorchJob")!.Key.Dialect);
    }

    [Fact]
    public void Kueues_topology_is_for_a_role_unless_its_sets_of_pods_are_joined()
    {
        (string, string)[] labels = [("jobset.sigs.k8s.io/jobset-name", "set"), ("jobset.sigs.k8s.io/replicatedjob-name", "workers")];
        (string, string)[] rack = [("kueue.x-k8s.io/podset-required-topology", "rack")];
        var required = new GangTopology { Required = TopologyLevel.OfKey("rack") };

        var gang = Read(labels, rack)!;
        Assert.Equal((GangTopology.None, required), (gang.Topology, gang.RoleTopology));
        gang = Read(labels, [.. rack, ("kueue.x-k8s.io/podset-group-name", "all")])!;
        Assert.Equal((required, GangTopology.None), (gang.Topology, gang.RoleTopology));
        Assert.Equal(required, Read([(KueueGroup, "q")], rack)!.Topology);
    }

    [Fact]
    public void Indices_of_jobs_and_of_pods_in_them_order_pods_together()
    {
        var indices = from job in Enumerable.Range(0, 3)
                      from pod in Enumerable.Range(0, 12)
                      select Read(labels: [("jobset.sigs.k8s.io/jobset-name", "s"), ("jobset.sigs.k8s.io/job-index", $"{job}"), (JobIndex, $"{pod}")])!.Index!.Value;
        Assert.Equal(indices.Order(), indices);
        Assert.Equal(36, indices.Distinct().Count());
    }

    [Theory]
    [InlineData("[\"default/a\",\"default/b\"]", "a:b", null)]
    [InlineData("[\"default/b\", \"default/a\", \"default/b\"]", "a:b", null)]
    [InlineData("[\"default/a\"]", "a", null)]
    [InlineData("[\"other/b\",\"default/a\"]", "a", "cannot be used")]
    [InlineData("[\"default/b\"]", "a", "cannot be used")]
    [InlineData("default/a,default/b", "a", "cannot be used")]
    [InlineData("[null]", "a", "cannot be used")]
    public void Groups_that_are_only_placed_together_are_one_gang(string groups, string name, string? problem)
    {
        const string Koordinator = "gang.scheduling.koordinator.sh/";
        var gang = Read(annotations: [(Koordinator + "name", "a"), (Koordinator + "min-available", "3"), (Koordinator + "groups", groups)])!;
        Assert.Equal(name, gang.Key.Name);
        Assert.Equal(problem is null, gang.Invalid is null);
        if (gang.IsBundle)
        {
            Assert.Equal(("a", 3, null), (gang.Role, gang.RoleMinMembers, gang.MinMembers));
        }
    }

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("1h30m", 5400)]
    [InlineData("1.5h", 5400)]
    [InlineData("250ms", 0.25)]
    [InlineData("8760h", 31_536_000)]
    public void Durations_are_read_as_other_tools_write_them(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Read(annotations: [(Ours, "g"), (GpuAnnotations.GangTimeout, text)])!.Timeout);

    [Theory]
    [InlineData("0s")]
    [InlineData("-5s")]
    [InlineData("s")]
    [InlineData("5")]
    [InlineData("5x")]
    [InlineData("8761h")]
    [InlineData("1..5s")]
    [InlineData("99999999999999999999s")]
    public void Other_durations_are_refused(string text) =>
        Assert.NotNull(Read(annotations: [(Ours, "g"), (GpuAnnotations.GangTimeout, text)])!.Invalid);

    [Fact]
    public void Any_words_are_read_without_a_fault_and_in_any_order_alike()
    {
        var names = Words.Names;
        var word = Gen.Select(Gen.Int[0, names.Length - 1].Select(i => names[i]), Words.Value);
        word.Array[0, 9].Sample(words =>
        {
            // Of a name that comes twice the last counts; a JSON object has each once.
            words = [.. words.DistinctBy(w => w.Item1)];
            var forwards = Read(words);
            var backwards = Read([.. words.Reverse()]);
            Assert.Equal(forwards, backwards);
            Assert.Equal(forwards, Read(words));
            if (forwards is { Invalid: null })
            {
                Assert.Contains(forwards.Key.Dialect, GangDialects.Names);
                Assert.NotEqual("", forwards.Key.Name);
            }
        });
    }

    private static GangMembership? Read((string Name, string Value)[]? labels = null, (string Name, string Value)[]? annotations = null, string? controller = null)
    {
        var builder = new PodInfoBuilder { Uid = "u", Name = "p" };
        foreach (var (name, value) in labels ?? [])
        {
            builder.AddLabel(name, value);
        }

        foreach (var (name, value) in annotations ?? [])
        {
            builder.AddAnnotation(name, value);
        }

        if (controller is not null)
        {
            builder.SetController(controller);
        }

        return builder.Build().Gang;
    }

    private static GangMembership? Read((PodField Field, string Value)[] words)
    {
        var builder = new PodInfoBuilder { Uid = "u", Name = "p" };
        Words.Put(builder, words);
        return builder.Build().Gang;
    }
}
