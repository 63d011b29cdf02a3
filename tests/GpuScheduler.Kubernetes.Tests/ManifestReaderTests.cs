using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Kubernetes.Manifests;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class ManifestReaderTests
{
    private static readonly string[] s_pieces = ["", "{", "}", "[", "null", "- ", "\"", "\u0000", ": ", "99999999999"];

    private const string Template = "template: {spec: {containers: [{name: main, resources: {limits: {nvidia.com/gpu: \"8\"}}}]}}";

    [Theory]
    [InlineData($"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: main}}]}}", "1 pods, no gang")]
    [InlineData($"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: j}}\nspec: {{parallelism: 3, completions: 3, completionMode: Indexed, {Template}}}", "3 pods, job ml/j Complete 3/3")]
    [InlineData($"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: j}}\nspec: {{parallelism: 3, {Template}}}", "3 pods, no gang")]
    [InlineData($"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: j}}\nspec: {{parallelism: 9, completions: 2, {Template}}}", "2 pods, no gang")]
    [InlineData($"apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: c}}\nspec: {{jobTemplate: {{spec: {{parallelism: 2, {Template}}}}}}}", "2 pods, no gang")]
    [InlineData($"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\nspec: {{replicas: 4, {Template}}}", "4 pods, no gang")]
    [InlineData($"apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {{name: s}}\nspec: {{replicatedJobs: [{{name: driver, template: {{spec: {{{Template}}}}}}}, {{name: workers, replicas: 2, template: {{spec: {{parallelism: 2, completions: 2, {Template}}}}}}}]}}", "5 pods, jobset ml/s Complete 5/5")]
    [InlineData($"apiVersion: kubeflow.org/v1\nkind: PyTorchJob\nmetadata: {{name: t}}\nspec: {{pytorchReplicaSpecs: {{Master: {{replicas: 1, {Template}}}, Worker: {{replicas: 2, {Template}}}}}}}", "3 pods, pytorchjob ml/t Complete 3/3")]
    [InlineData($"apiVersion: kubeflow.org/v2beta1\nkind: MPIJob\nmetadata: {{name: h}}\nspec: {{launcherCreationPolicy: AtStartup, mpiReplicaSpecs: {{Launcher: {{replicas: 1, {Template}}}, Worker: {{replicas: 2, {Template}}}}}}}", "3 pods, mpijob ml/h Complete 3/3")]
    [InlineData("apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {name: v}\nspec: {replicas: 2, leaderWorkerTemplate: {size: 2, workerTemplate: {spec: {containers: [{name: main}]}}}}", "4 pods, leaderworkerset ml/v:0 Complete 2/2, leaderworkerset ml/v:1 Complete 2/2")]
    public void An_object_brings_the_pods_and_gangs_that_its_controller_would(string yaml, string expected)
    {
        var manifest = ManifestReader.Read(yaml, "ml");
        var state = new ClusterState(TimeProvider.System, new LedgerOptions());
        foreach (var item in manifest.GroupObjects)
        {
            state.UpsertGroupObject(item);
        }

        foreach (var pod in manifest.Pods)
        {
            state.UpsertPod(pod);
        }

        var gangs = state.Gangs.Select(k => state.FindGroup(k)!).Where(g => g.Standing != PodGroupStanding.Single)
            .Select(g => $"{g.Key.Dialect} {g.Key} {g.Standing} {g.MinMembers}/{g.Size}").Order(StringComparer.Ordinal).ToList();
        Assert.Equal(expected, $"{manifest.Pods.Length} pods, {(gangs.Count == 0 ? "no gang" : string.Join(", ", gangs))}");
        Assert.All(manifest.Pods, p => Assert.Equal("ml", p.Namespace));
        Assert.Equal(manifest.Pods.Length, manifest.Pods.Select(p => p.Uid).Distinct().Count());
    }

    [Fact]
    public void Several_documents_lists_and_JSON_are_read_and_what_makes_no_pods_is_named()
    {
        const string Pod = """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"NAME"},"spec":{"nodeName":"n","priorityClassName":"high","containers":[]}}""";
        var yaml = ManifestReader.Read($"{Pod.Replace("NAME", "a", StringComparison.Ordinal).Replace("{\"api", "# first\n---\n{\"api", StringComparison.Ordinal)}\n---\napiVersion: v1\nkind: List\nitems:\n- {Pod.Replace("NAME", "b", StringComparison.Ordinal)}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}", "x");
        var json = ManifestReader.Read($$"""{"kind":"List","items":[{{Pod.Replace("NAME", "a", StringComparison.Ordinal)}},{{Pod.Replace("NAME", "b", StringComparison.Ordinal)}}]}""", "x");

        Assert.Equal(["x/a", "x/b"], yaml.Pods.Select(p => p.ToString()));
        Assert.Equal(["x/a", "x/b"], json.Pods.Select(p => p.ToString()));
        Assert.All(yaml.Pods, p => Assert.Null(p.NodeName));
        Assert.Contains(yaml.Notes, n => n.StartsWith("ConfigMap c is not looked at", StringComparison.Ordinal));
        Assert.Contains("priorityClassName high is not looked up: the pods of Pod a count as priority 0", yaml.Notes);
    }

    [Theory]
    [InlineData("", "there is no pod in it")]
    [InlineData("a: [", "is not YAML")]
    [InlineData("{\"a\": ", "is not JSON")]
    [InlineData("metadata: {name: p}", "has no kind")]
    [InlineData("kind: Pod", "has no metadata.name")]
    [InlineData("kind: Pod\nmetadata: {name: [1]}", "cannot be read")]
    [InlineData("kind: Pod\nmetadata: {name: p}\nspec: {containers: 7}", "spec.containers")]
    [InlineData("apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {parallelism: 2}", "has no pod template")]
    [InlineData("apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {parallelism: -2, template: {spec: {}}}", "a whole number from 0 on is allowed")]
    [InlineData("apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {parallelism: 5000, template: {spec: {}}}", "more than 4096 pods")]
    [InlineData("kind: Pod\nmetadata: {name: p, annotations: {gpuscheduler.io/gpu-memory: lots}}\nspec: {containers: []}", "gpu-memory")]
    [InlineData("kind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n---\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}", "is in it twice")]
    public void A_manifest_that_cannot_be_used_says_why(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidManifestException>(() => ManifestReader.Read(text, "default")).Message, StringComparison.Ordinal);

    [Fact]
    public void Whatever_is_changed_in_a_manifest_it_is_read_or_refused()
    {
        const string Job = "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: s}\nspec: {replicatedJobs: [{name: w, replicas: 2, template: {spec: {parallelism: 2, " + Template + "}}}]}\n";
        Gen.Select(Gen.Int[0, Job.Length - 1], Gen.Int[0, 6], Gen.Int[0, s_pieces.Length - 1]).Sample(
            (at, cut, piece) =>
            {
                try
                {
                    _ = ManifestReader.Read(string.Concat(Job.AsSpan(0, at), s_pieces[piece], Job.AsSpan(Math.Min(at + cut, Job.Length))), "default");
                }
                catch (InvalidManifestException e)
                {
                    Assert.NotEmpty(e.Message);
                }
            },
            iter: 3000, threads: 1);
    }
}
