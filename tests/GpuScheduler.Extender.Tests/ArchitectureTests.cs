using System.Reflection;
using System.Xml.Linq;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Kubernetes;
using Xunit;

namespace GpuScheduler.Extender.Tests;

/// <summary>Dependencies point inward: hosts to {Kubernetes, Solver, Forecast, Proto}, the first two to Core, and Core to nothing.</summary>
public sealed class ArchitectureTests
{
    private static readonly Assembly s_core = typeof(ClusterState).Assembly;
    private static readonly Assembly s_kubernetes = typeof(SnapshotFile).Assembly;
    private static readonly Assembly s_proto = typeof(V1.Pod).Assembly;
    private static readonly Assembly s_extender = typeof(ExtenderHost).Assembly;

    private static readonly string[] s_projects =
    [
        .. new[] { "proto", "scheduler", "extender", "bench", "tests" }.SelectMany(folder => Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.csproj", SearchOption.AllDirectories)),
    ];

    [Fact]
    public void Core_references_the_framework_alone()
    {
        Assert.All(References(s_core), name => Assert.Matches("^System(\\.|$)", name));

        // What is referenced but not used leaves no trace in the assembly: the project file has no package that reaches anybody.
        var core = XDocument.Load(Assert.Single(s_projects, p => Path.GetFileName(p) == "GpuScheduler.Core.csproj"));
        Assert.All(core.Descendants("PackageReference"), p => Assert.Equal("all", (string?)p.Attribute("PrivateAssets")));
        Assert.Empty(core.Descendants("ProjectReference"));
        Assert.Empty(core.Descendants("FrameworkReference"));
    }

    [Fact]
    public void Only_Kubernetes_references_the_Kubernetes_client()
    {
        Assert.Contains("KubernetesClient", References(s_kubernetes));
        Assert.All([s_core, s_proto, s_extender], assembly => Assert.DoesNotContain("KubernetesClient", References(assembly)));
        Assert.Equal(["GpuScheduler.Kubernetes"], WithPackage("KubernetesClient"));
    }

    [Fact]
    public void Only_Solver_references_the_optimizer() => Assert.Subset(new HashSet<string> { "GpuScheduler.Solver" }, WithPackage("Google.OrTools").ToHashSet());

    [Fact]
    public void Only_Forecast_references_the_numerical_library_and_it_references_nothing_of_ours()
    {
        Assert.Equal(["GpuScheduler.Forecast"], WithPackage("MathNet.Numerics"));
        Assert.DoesNotContain(References(typeof(Forecast.Forecaster).Assembly), n => n.StartsWith("GpuScheduler.", StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_inside_references_a_host()
    {
        string[] hosts = ["gpu-scheduler-extender", "gpu-scheduler-node-agent", "gpu-scheduler-simulator", "GpuScheduler.Benchmarks"];
        Assert.All([s_core, s_proto, s_kubernetes], assembly => Assert.Empty(References(assembly).Intersect(hosts)));
        Assert.DoesNotContain(References(s_proto), n => n.StartsWith("GpuScheduler.", StringComparison.Ordinal));
        Assert.Subset(new HashSet<string> { "GpuScheduler.Core", "GpuScheduler.Proto" }, References(s_kubernetes).Where(n => n.StartsWith("GpuScheduler.", StringComparison.Ordinal)).ToHashSet());
    }

    [Fact]
    public void No_product_project_references_a_test_project() =>
        Assert.All(
            s_projects.Where(p => !IsTest(p)),
            p => Assert.DoesNotContain(XDocument.Load(p).Descendants("ProjectReference"), r => ((string?)r.Attribute("Include"))!.Contains("tests/", StringComparison.Ordinal)));

    private static IEnumerable<string> References(Assembly assembly) => assembly.GetReferencedAssemblies().Select(a => a.Name!);

    /// <summary>Projects that reference a package; tests and benchmarks may reference any.</summary>
    private static IEnumerable<string> WithPackage(string package) =>
        s_projects.Where(p => !IsTest(p) && XDocument.Load(p).Descendants("PackageReference").Any(r => (string?)r.Attribute("Include") == package))
            .Select(p => Path.GetFileNameWithoutExtension(p));

    private static bool IsTest(string project) =>
        Path.GetRelativePath(Repository.Root, project) is var path && (path.StartsWith("tests", StringComparison.Ordinal) || path.StartsWith("bench", StringComparison.Ordinal));
}
