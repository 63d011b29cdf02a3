using System.Text.RegularExpressions;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
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

    [GeneratedRegex(@"- \{name: (\S+), ignoredByScheduler: (true|false)\}")]
    private static partial Regex Managed();

    [GeneratedRegex(@"^ +- (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Item();
}
