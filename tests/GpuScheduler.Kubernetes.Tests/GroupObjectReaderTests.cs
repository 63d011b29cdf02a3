using System.Text;
using System.Text.Json;
using CsCheck;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Kubernetes.Groups;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class GroupObjectReaderTests
{
    [Theory]
    [InlineData(GroupKinds.CoschedulingPodGroup, """{"minMember":-1}""", "spec.minMember is -1, and a whole number from 0 to 1000000 is allowed")]
    [InlineData(GroupKinds.CoschedulingPodGroup, """{"minMember":2.5}""", "spec.minMember is 2.5, and a whole number from 0 to 1000000 is allowed")]
    [InlineData(GroupKinds.VolcanoPodGroup, """{"minTaskMember":{"a":"1"}}""", "spec.minTaskMember.a is \"1\", and a whole number from 0 to 1000000 is allowed")]
    [InlineData(GroupKinds.VolcanoPodGroup, """{"networkTopology":{"highestTierAllowed":1,"highestTierName":"rack"}}""", "spec.networkTopology.highestTierAllowed and spec.networkTopology.highestTierName cannot both be set")]
    [InlineData(GroupKinds.VolcanoPodGroup, """{"subGroupPolicy":[{"labelSelector":{"matchLabels":{"app":"x"}}}]}""", "spec.subGroupPolicy[0].labelSelector must select by label volcano.sh/task-spec alone")]
    [InlineData(GroupKinds.KaiPodGroup, """{"subGroups":[{"name":"a"},{"minMember":1}]}""", "spec.subGroups[1].name is missing")]
    [InlineData(GroupKinds.KaiPodGroup, """{"subGroups":[3]}""", "spec.subGroups[0] is 3, and an object is allowed")]
    [InlineData(GroupKinds.NativePodGroup, """{}""", "spec.schedulingPolicy is missing")]
    [InlineData(GroupKinds.NativePodGroup, """{"schedulingPolicy":{"gang":{"minCount":0}}}""", "spec.schedulingPolicy.gang.minCount must be a whole number from 1 on")]
    [InlineData(GroupKinds.NativePodGroup, """{"schedulingPolicy":{"basic":{}},"schedulingConstraints":{"topology":[{"key":"a"},{"key":"b"}]}}""", "spec.schedulingConstraints.topology names several levels, and one is allowed")]
    [InlineData(GroupKinds.NativeWorkload, """{"podGroups":[{"name":"a"}]}""", "spec.podGroups[0].policy is missing")]
    [InlineData(GroupKinds.Job, """{"parallelism":[]}""", "spec.parallelism is a list, and a whole number from 0 to 1000000 is allowed")]
    [InlineData(GroupKinds.JobSet, """{"replicatedJobs":{}}""", "spec.replicatedJobs is an object, and a list is allowed")]
    [InlineData(GroupKinds.PyTorchJob, """{"pytorchReplicaSpecs":{"Worker":{"replicas":"x"}}}""", "spec.pytorchReplicaSpecs.Worker.replicas is \"x\", and a whole number from 0 to 1000000 is allowed")]
    public void A_field_that_cannot_be_used_is_named_and_the_object_is_read_all_the_same(string kind, string spec, string problem)
    {
        var item = Read(kind, $$"""{"metadata":{"name":"n","namespace":"ml"},"spec":{{spec}}}""");
        Assert.Equal(new GroupObjectId(kind, "ml", "n"), item.Id);
        Assert.Equal(problem, item.Invalid);
    }

    [Fact]
    public void An_object_without_a_name_is_none() =>
        Assert.Throws<JsonException>(() => Read(GroupKinds.Job, """{"metadata":{"namespace":"ml"}}"""));

    [Fact]
    public void A_JobSet_without_limits_of_its_own_is_no_larger_than_a_number()
    {
        const string Jobs = """{"name":"a","replicas":1000000,"template":{"spec":{"parallelism":1000000}}}""";
        Assert.Contains("replicatedJobs[0].replicas", Read(GroupKinds.JobSet, $$$"""{"metadata":{"name":"n"},"spec":{"replicatedJobs":[{{{Jobs}}}]}}""").Invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void Volcano_does_not_hold_tasks_to_minima_that_are_more_than_the_groups()
    {
        var item = Read(GroupKinds.VolcanoPodGroup, """{"metadata":{"name":"n"},"spec":{"minMember":2,"minTaskMember":{"a":1,"b":4}}}""");
        Assert.Equal(2, item.MinMembers);
        Assert.All(item.Parts, p => Assert.Equal(0, p.MinMembers));
    }

    [Fact]
    public void Volcanos_subgroups_are_segments_of_their_task()
    {
        var item = Read(GroupKinds.VolcanoPodGroup, """
            {"metadata":{"name":"n"},"spec":{"minMember":8,"subGroupPolicy":[{"name":"s","subGroupSize":4,"minSubGroups":2,
             "labelSelector":{"matchLabels":{"volcano.sh/task-spec":"worker"}},"networkTopology":{"mode":"soft","highestTierName":"rack"}}]}}
            """);
        Assert.Null(item.Invalid);
        var part = Assert.Single(item.Parts);
        Assert.Equal(("worker", 8), (part.Name, part.MinMembers));
        Assert.Equal(new GangTopology { SegmentSize = 4, SegmentPreferred = TopologyLevel.OfKey("rack") }, part.Topology);
    }

    [Theory]
    [InlineData("""{"parallelism":4,"completions":4,"completionMode":"Indexed"}""", true)]
    [InlineData("""{"parallelism":4,"completions":8,"completionMode":"Indexed"}""", false)]
    [InlineData("""{"parallelism":4,"completions":4}""", false)]
    [InlineData("""{"parallelism":1,"completions":1,"completionMode":"Indexed"}""", false)]
    [InlineData("""{"completions":4,"completionMode":"Indexed"}""", false)]
    public void A_Job_is_a_gang_only_where_all_its_indices_run_at_once(string spec, bool isGang) =>
        Assert.Equal(isGang, Read(GroupKinds.Job, $$"""{"metadata":{"name":"n"},"spec":{{spec}}}""").IsGang);

    [Fact]
    public void A_PyTorchJob_leaves_out_elastic_workers_and_no_master()
    {
        var item = Read(GroupKinds.PyTorchJob, """
            {"metadata":{"name":"n"},"spec":{"runPolicy":{"schedulingPolicy":{"minAvailable":3}},
             "pytorchReplicaSpecs":{"Master":{},"Worker":{"replicas":7}}}}
            """);
        Assert.Equal((3, 8), (item.MinMembers, item.Size));
        Assert.Equal([("master", 1), ("worker", 2)], item.Parts.Select(p => (p.Name, p.MinMembers)));
    }

    [Fact]
    public void A_replica_type_that_is_given_twice_counts_once() => Assert.Equal(
        2, Read(GroupKinds.MpiJob, """{"metadata":{"name":"n"},"spec":{"mpiReplicaSpecs":{"Worker":{"replicas":5},"Worker":{"replicas":2}}}}""").Size);

    [Fact]
    public void Any_JSON_is_read_or_refused_and_nothing_else()
    {
        string[] names =
        [
            "metadata", "name", "namespace", "uid", "spec", "status", "minMember", "minTaskMember", "subGroups", "subGroupPolicy", "podGroups", "policy", "gang", "minCount",
            "schedulingPolicy", "replicatedJobs", "template", "parallelism", "replicas", "pytorchReplicaSpecs", "mpiReplicaSpecs", "Worker", "succeeded", "networkTopology", "labelSelector",
        ];
        var name = Gen.Int[0, names.Length - 1].Select(i => names[i]);
        var leaf = Gen.OneOf(Gen.Int[-2, 5].Select(n => $"{n}"), Gen.Const("null"), Gen.Const("\"x\""), Gen.Const("\"\\ud800\""), Gen.Const("1e40"), Gen.Const("true"));
        var json = Gen.Recursive<string>((depth, inner) => depth > 4 ? leaf : Gen.Frequency(
            (2, leaf),
            (5, Gen.Select(name, inner).Array[0, 5].Select(fields => "{" + string.Join(',', fields.Select(f => $"\"{f.Item1}\":{f.Item2}")) + "}")),
            (1, inner.Array[0, 3].Select(items => "[" + string.Join(',', items) + "]"))));
        Gen.Select(Gen.Int[0, GroupResources.All.Length - 1], json, json).Sample((i, spec, status) =>
        {
            var resource = GroupResources.All[i];
            var text = $$"""{"metadata":{"name":"n"},"spec":{{spec}},"status":{{status}}}""";
            try
            {
                Assert.Equal("n", GroupObjectReader.Read(resource, Encoding.UTF8.GetBytes(text)).Id.Name);
            }
            catch (JsonException)
            {
                // Refused.
            }
        });
    }

    private static GroupObject Read(string kind, string json) => GroupObjectReader.Read(GroupResources.All.Single(r => r.Kind == kind), Encoding.UTF8.GetBytes(json));
}
