using GpuScheduler.Core.Gangs;
using GpuScheduler.Kubernetes.Groups;
using GpuScheduler.Kubernetes.Sources;
using GpuScheduler.Testing;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class GroupResourcesTests
{
    [Fact]
    public void Every_object_that_a_dialect_refers_to_is_watched_and_nothing_else() =>
        Assert.Equal(
            GroupKinds.All.Order(StringComparer.Ordinal),
            GroupResources.All.Select(r => r.Kind).Order(StringComparer.Ordinal));

    [Fact]
    public void The_manifests_grant_reading_them_and_no_more()
    {
        var rules = Rules();
        foreach (var resource in GroupResources.All)
        {
            var verbs = rules.Where(r => r.Groups.Contains(resource.ApiGroup) && r.Resources.Contains(resource.Plural)).SelectMany(r => r.Verbs);
            Assert.Equal(["list", "watch"], verbs.Order(StringComparer.Ordinal));
        }

        Assert.Equal(["scheduling.k8s.io", "scheduling.x-k8s.io"], rules.Where(r => r.Resources.Contains("podgroups/status")).SelectMany(r => r.Groups).Order(StringComparer.Ordinal));

        // What is granted beside is granted to core resources and to our own.
        var groups = GroupResources.All.Select(r => r.ApiGroup).ToHashSet(StringComparer.Ordinal);
        var granted = from rule in rules from g in rule.Groups where groups.Contains(g) from r in rule.Resources where !r.Contains('/', StringComparison.Ordinal) select $"{r}.{g}";
        Assert.Equal(GroupResources.All.Select(r => r.Kind).Order(StringComparer.Ordinal), granted.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_manifests_grant_reading_what_other_stacks_say_of_nodes_and_no_more()
    {
        foreach (var resource in SourceResources.All)
        {
            var rule = Assert.Single(Rules(), r => r.Groups.Contains(resource.Group));
            Assert.Equal([resource.Name], rule.Resources);
            Assert.Equal(["list", "watch"], rule.Verbs);
        }
    }

    [Theory]
    [InlineData("scheduling.volcano.sh/v1beta1", "PodGroup", GroupKinds.VolcanoPodGroup)]
    [InlineData("scheduling.k8s.io/v1", "PodGroup", GroupKinds.NativePodGroup)]
    [InlineData("batch/v1", "Job", GroupKinds.Job)]
    [InlineData("batch.volcano.sh/v1alpha1", "Job", null)]
    [InlineData("v1", "Job", null)]
    [InlineData("", "Job", null)]
    public void An_object_is_known_by_its_group_and_kind(string apiVersion, string kind, string? expected) =>
        Assert.Equal(expected, GroupResources.Find(apiVersion, kind)?.Kind);

    private static List<(List<string> Groups, List<string> Resources, List<string> Verbs)> Rules()
    {
        var yaml = new YamlStream();
        using (var text = File.OpenText(Path.Combine(Checkout.Root, "manifests", "base", "rbac.yaml")))
        {
            yaml.Load(text);
        }

        var role = yaml.Documents.Select(d => (YamlMappingNode)d.RootNode).Single(d => (string?)d["kind"] == "ClusterRole" && (string?)d["metadata"]["name"] == "gpu-scheduler-extender");
        return [.. ((YamlSequenceNode)role["rules"]).Select(r => (Words(r["apiGroups"]), Words(r["resources"]), Words(r["verbs"])))];
    }

    private static List<string> Words(YamlNode node) => [.. ((YamlSequenceNode)node).Select(n => (string?)n ?? "")];
}
