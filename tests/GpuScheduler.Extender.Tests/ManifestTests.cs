using System.Text.RegularExpressions;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Kubernetes.Leases;
using Xunit;

namespace GpuScheduler.Extender.Tests;

/// <summary>What the manifests name is what the code understands.</summary>
public sealed partial class ManifestTests
{
    /// <summary>Beside the words that are read: what HAMi's pods may say too, and would keep them from every node if kube-scheduler counted it.</summary>
    private static readonly string[] s_more = [GpuAnnotations.GpuResource, GpuAnnotations.SharedGpuResource, "nvidia.com/priority"];

    /// <summary>Nodes offer these, and each pod takes of them what it names.</summary>
    private static readonly string[] s_counted = [GpuAnnotations.GpuResource, ShareDialects.GpushareMemory, ShareDialects.VolcanoCount];

    public static TheoryData<string> ClusterWide => [.. Directory.GetFiles(Path.Combine(Repository.Root, "manifests/cluster-wide/kube-scheduler-config")).Select(f => Path.GetRelativePath(Repository.Root, f))];

    [Theory]
    [MemberData(nameof(ClusterWide))]
    public void A_cluster_wide_kube_scheduler_asks_about_pods_in_all_words_that_are_understood(string file)
    {
        var managed = Managed().Matches(File.ReadAllText(Path.Combine(Repository.Root, file)))
            .Select(m => (Name: m.Groups[1].Value, Ignored: bool.Parse(m.Groups[2].Value)))
            .Where(m => !m.Name.StartsWith(GpuAnnotations.MigResourcePrefix, StringComparison.Ordinal)).ToList();
        Assert.Equal(ShareDialects.ResourceNames.Concat(s_more).Order(StringComparer.Ordinal), managed.Select(m => m.Name).Order(StringComparer.Ordinal));
        Assert.Equal(s_counted.Order(StringComparer.Ordinal), managed.Where(m => !m.Ignored).Select(m => m.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("manifests/second-scheduler/config.yaml")]
    [InlineData("manifests/second-scheduler/older/v1beta1.yaml")]
    public void A_second_scheduler_does_not_count_what_nodes_do_not_offer(string file)
    {
        var list = File.ReadAllText(Path.Combine(Repository.Root, file)).Split("ignoredResources:")[1].Split("\nextenders:")[0];
        Assert.Equal(
            ShareDialects.ResourceNames.Concat(s_more).Except(s_counted).Order(StringComparer.Ordinal),
            Item().Matches(list).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_service_leads_to_the_leader_and_the_deployment_counts_who_could_lead()
    {
        var deployment = Base("deployment.yaml");
        Assert.Contains("  replicas: 2\n", deployment, StringComparison.Ordinal);
        Assert.Contains("      maxSurge: 1\n      maxUnavailable: 0\n", deployment, StringComparison.Ordinal);
        Assert.Contains("        readinessProbe:\n          httpGet: {path: /syncz,", deployment, StringComparison.Ordinal);
        Assert.Contains("GPU_SCHEDULER_LeaderElection__Pod\n          valueFrom:\n            fieldRef:\n              fieldPath: metadata.name\n", deployment, StringComparison.Ordinal);
        Assert.Contains("GPU_SCHEDULER_LeaderElection__Namespace\n          valueFrom:\n            fieldRef:\n              fieldPath: metadata.namespace\n", deployment, StringComparison.Ordinal);
        Assert.Contains("topologyKey: kubernetes.io/hostname", deployment, StringComparison.Ordinal);
        Assert.Contains($"    {LeaderLabel.Name}: \"true\"\n", Base("service.yaml"), StringComparison.Ordinal);
        Assert.DoesNotContain(LeaderLabel.Name, deployment, StringComparison.Ordinal); // a label of the template would be every replica's
        Assert.Contains("  maxUnavailable: 1\n", Base("poddisruptionbudget.yaml"), StringComparison.Ordinal);
        Assert.Contains("\n- poddisruptionbudget.yaml\n", Base("kustomization.yaml"), StringComparison.Ordinal);
    }

    /// <summary>kustomize adds its hash to every name that it takes for a reference: a role would name a lease that nobody has.</summary>
    [Fact]
    public void No_ConfigMap_that_is_generated_has_a_name_that_a_role_names()
    {
        var manifests = Directory.GetFiles(Path.Combine(Repository.Root, "manifests"), "*.yaml", SearchOption.AllDirectories).Select(File.ReadAllText).ToList();
        var generated = manifests.SelectMany(m => Generators().Matches(m)).SelectMany(m => ItemName().Matches(m.Value)).Select(m => m.Groups[1].Value).ToHashSet();
        var named = manifests.SelectMany(m => ResourceNames().Matches(m)).SelectMany(m => m.Groups[1].Value.Split(',')).Select(n => n.Trim()).ToHashSet();

        Assert.Contains("gpu-scheduler-extender-config", generated);
        Assert.Contains("gpu-scheduler-extender", named);
        Assert.Empty(generated.Intersect(named));
    }

    /// <summary>A JSON patch that adds a list where there is one puts it in its place.</summary>
    [Fact]
    public void No_component_replaces_a_list_of_the_deployment() =>
        Assert.All(
            Directory.GetFiles(Path.Combine(Repository.Root, "manifests"), "kustomization.yaml", SearchOption.AllDirectories).SelectMany(File.ReadLines).Where(l => l.Contains("path: /spec/", StringComparison.Ordinal)),
            l => Assert.EndsWith("/-", l.TrimEnd(), StringComparison.Ordinal));

    [Fact]
    public void The_shipped_settings_elect_a_leader_and_guard_inspection_and_the_rights_for_both_are_there()
    {
        var settings = System.Text.Json.Nodes.JsonNode.Parse(Base("config.json"))!;
        Assert.True((bool)settings["LeaderElection"]!["Enabled"]!);
        Assert.True((bool)settings["Access"]!["Tokens"]!);
        Assert.Contains("--tls-client-ca=", Base("deployment.yaml"), StringComparison.Ordinal);
        var rights = Base("rbac.yaml");
        foreach (var rule in new[]
        {
            "- apiGroups: [coordination.k8s.io]\n  resources: [leases]\n  verbs: [create]\n",
            $"- apiGroups: [coordination.k8s.io]\n  resources: [leases]\n  resourceNames: [{new LeaderElectionSettings().LeaseName}]\n  verbs: [get, update]\n",
            "- apiGroups: [authentication.k8s.io]\n  resources: [tokenreviews]\n  verbs: [create]\n",
            "- apiGroups: [authorization.k8s.io]\n  resources: [subjectaccessreviews]\n  verbs: [create]\n",
        })
        {
            Assert.Contains(rule, rights, StringComparison.Ordinal);
        }

        // Nothing is allowed by a wildcard, and no Secret at all.
        Assert.DoesNotContain("[\"*\"]", rights, StringComparison.Ordinal);
        Assert.DoesNotContain("secrets", rights, StringComparison.Ordinal);
    }

    private static string Base(string file) => File.ReadAllText(Path.Combine(Repository.Root, "manifests", "base", file)).ReplaceLineEndings("\n");

    [GeneratedRegex(@"- \{name: (\S+), ignoredByScheduler: (true|false)\}")]
    private static partial Regex Managed();

    [GeneratedRegex(@"^configMapGenerator:\n((?:[- #].*\n)+)", RegexOptions.Multiline)]
    private static partial Regex Generators();

    [GeneratedRegex(@"^- name: (\S+)$", RegexOptions.Multiline)]
    private static partial Regex ItemName();

    [GeneratedRegex(@"resourceNames: \[([^\]]+)\]")]
    private static partial Regex ResourceNames();

    [GeneratedRegex(@"^ +- (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Item();
}
