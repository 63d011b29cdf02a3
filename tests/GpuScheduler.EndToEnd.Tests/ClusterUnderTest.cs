using GpuScheduler.Testing;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Microsoft.AspNetCore.Builder;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>
/// A real etcd, kube-apiserver and kube-scheduler with our extender, installed as the manifests install it: their CRD, their RBAC
/// rules, their kube-scheduler configuration.
/// </summary>
internal sealed class ClusterUnderTest : IAsyncDisposable
{
    public const string ServiceAccount = "system:serviceaccount:gpu-scheduler:gpu-scheduler-extender";

    public const string NodeAgentAccount = "system:serviceaccount:gpu-scheduler-node-agent:gpu-scheduler-node-agent";

    private readonly TestCertificates? _certificates;
    private readonly int _port;
    private KubeSchedulerProcess? _scheduler;
    private WebApplication? _extender;
    private ServiceProcess? _process;

    private ClusterUnderTest(TestControlPlane plane, bool tls)
    {
        Plane = plane;
        _certificates = tls ? TestCertificates.Create() : null;
        _port = LoopbackPorts.Pick(1)[0];
    }

    public TestControlPlane Plane { get; }

    /// <summary>Where kube-scheduler calls the extender: what the Service's address is in a cluster.</summary>
    public int Port => _port;

    /// <summary>Where the extender is served on the loopback.</summary>
    public string Url => $"{(_certificates is null ? "http" : "https")}://127.0.0.1:{_port}";

    public IKubernetes Client => Plane.Client;

    public WebApplication Extender => _extender ?? throw new InvalidOperationException("the extender is not running");

    public static async Task<ClusterUnderTest> StartAsync(bool tls, CancellationToken cancellation, Func<TestControlPlaneOptions, TestControlPlaneOptions>? configure = null)
    {
        var binaries = ControlPlaneBinaries.TryFind(out var whyNot);
        Assert.SkipWhen(binaries is null, whyNot);
        var options = new TestControlPlaneOptions
        {
            AuthorizationMode = "RBAC",
            Users = [StaticUser.ServiceAccount("gpu-scheduler", "gpu-scheduler-extender"), StaticUser.ServiceAccount("gpu-scheduler-node-agent", "gpu-scheduler-node-agent")],
        };
        var plane = await TestControlPlane.StartAsync(binaries!, configure?.Invoke(options) ?? options, cancellation);
        var cluster = new ClusterUnderTest(plane, tls);
        try
        {
            await cluster.InstallAsync(cancellation);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task AddNodesAsync(int count, CancellationToken cancellation) =>
        await Parallel.ForEachAsync(Workload.Nodes(count), Eight(cancellation), async (node, token) => await Client.CoreV1.CreateNodeAsync(node, cancellationToken: token));

    /// <summary>Grants what changes of MIG layouts need, beyond the base.</summary>
    public Task AllowMigAsync(CancellationToken cancellation) => InstallAsync("mig-dynamic/rbac.yaml", "gpu-scheduler", cancellation);

    /// <summary>Grants what serving external metrics needs, and reading them.</summary>
    public Task AllowExternalMetricsAsync(CancellationToken cancellation) => InstallAsync("external-metrics/rbac.yaml", "gpu-scheduler", cancellation);

    /// <summary>The authority of the extender's certificate, in PEM form; there must be one.</summary>
    public Task<string> ReadAuthorityAsync(CancellationToken cancellation) => File.ReadAllTextAsync(_certificates!.Authority, cancellation);

    /// <summary>Creates pods in their namespaces.</summary>
    public async Task AddPodsAsync(IEnumerable<V1Pod> pods, CancellationToken cancellation) =>
        await Parallel.ForEachAsync(pods, Eight(cancellation), async (pod, token) => await Client.CoreV1.CreateNamespacedPodAsync(pod, pod.Metadata.NamespaceProperty, cancellationToken: token));

    public async Task StartExtenderAsync(CancellationToken cancellation, params (string Key, string Value)[] more)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Urls"] = Url,
            ["Kubeconfig"] = Plane.WriteKubeconfig(Plane.TokenFor(ServiceAccount)),
            ["Logging:LogLevel:Default"] = "Warning",
        };
        if (_certificates is not null)
        {
            settings["Tls:Certificate"] = _certificates.ServerCertificate;
            settings["Tls:Key"] = _certificates.ServerKey;
            settings["Tls:ClientCa"] = _certificates.Authority;
        }

        foreach (var (key, value) in more)
        {
            settings[key] = value;
        }

        _extender = GpuScheduler.Extender.ExtenderHost.Build(null, settings);
        await _extender.StartAsync(cancellation);
        await Eventually.TrueAsync(() => Task.FromResult(_extender.Services.GetService(typeof(GpuScheduler.Extender.Hosting.Readiness)) is GpuScheduler.Extender.Hosting.Readiness { IsReady: true }), TimeSpan.FromMinutes(1), () => "the extender did not become ready", cancellation);
    }

    /// <summary>Starts the extender in a process of its own, without TLS.</summary>
    public async Task StartExtenderProcessAsync(CancellationToken cancellation, params string[] settings) => _process = await ServiceProcess.StartAsync(
        typeof(GpuScheduler.Extender.ExtenderOptions).Assembly.Location, ["--kubeconfig", Plane.WriteKubeconfig(Plane.TokenFor(ServiceAccount)), .. settings], cancellation, _port);

    /// <summary>Kills that process: nothing it was about to do happens any more, and nobody is told.</summary>
    public async Task KillExtenderProcessAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
            _process = null;
        }
    }

    /// <summary>Stops the extender; what it knew is gone.</summary>
    public async Task StopExtenderAsync()
    {
        if (_extender is not null)
        {
            await _extender.StopAsync(new CancellationToken(canceled: true));
            await _extender.DisposeAsync();
            _extender = null;
        }
    }

    /// <summary>Starts kube-scheduler with a configuration from the manifests, of which only addresses and paths are changed.</summary>
    public async Task StartSchedulerAsync(string manifest, KubeSchedulerBinary binary, CancellationToken cancellation)
    {
        var yaml = await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "manifests", manifest), cancellation);
        var namesKubeconfig = yaml.Split('\n').Any(l => l.TrimStart().StartsWith("kubeconfig:", StringComparison.Ordinal));
        var lines = new List<string>();
        foreach (var line in yaml.Split('\n'))
        {
            var text = line.TrimStart();
            var indent = line[..^text.Length];
            lines.Add(
                text.StartsWith("- urlPrefix:", StringComparison.Ordinal) ? $"{indent}- urlPrefix: {(_certificates is null ? "http" : "https")}://127.0.0.1:{_port}"
                : text.StartsWith("kubeconfig:", StringComparison.Ordinal) ? indent + "kubeconfig: {{kubeconfig}}"
                : text.StartsWith("clientConnection:", StringComparison.Ordinal) && !namesKubeconfig ? "clientConnection:\n  kubeconfig: {{kubeconfig}}"
                : text.StartsWith("leaderElect:", StringComparison.Ordinal) ? indent + "leaderElect: false"
                : text.StartsWith("healthzBindAddress:", StringComparison.Ordinal) ? indent + "healthzBindAddress: \"{{healthzAddress}}\""
                : text.StartsWith("metricsBindAddress:", StringComparison.Ordinal) ? indent + "metricsBindAddress: \"{{healthzAddress}}\""
                : text.StartsWith("serverName:", StringComparison.Ordinal) ? indent + "serverName: localhost"
                : _certificates is null && text.StartsWith("tlsConfig:", StringComparison.Ordinal) ? indent + "# plain http"
                : text.StartsWith("caFile:", StringComparison.Ordinal) ? _certificates is null ? "" : $"{indent}caFile: {_certificates.Authority}"
                : text.StartsWith("certFile:", StringComparison.Ordinal) ? _certificates is null ? "" : $"{indent}certFile: {_certificates.ClientCertificate}"
                : text.StartsWith("keyFile:", StringComparison.Ordinal) ? _certificates is null ? "" : $"{indent}keyFile: {_certificates.ClientKey}"
                : line);
        }

        // Without TLS there is no tlsConfig, and where the manifest leaves the server's name to the URL, that is an address here.
        if (_certificates is null)
        {
            lines.RemoveAll(l => l.TrimStart().StartsWith("serverName:", StringComparison.Ordinal));
        }

        _scheduler = await Plane.StartSchedulerAsync(new KubeSchedulerSetup { ConfigurationYaml = string.Join('\n', lines), Binary = binary }, cancellation);
    }

    /// <summary>Adds kinds of objects, and waits until they are served.</summary>
    public async Task ServeAsync(IEnumerable<V1CustomResourceDefinition> definitions, CancellationToken cancellation)
    {
        var added = definitions.ToList();
        foreach (var definition in added)
        {
            await Client.ApiextensionsV1.CreateCustomResourceDefinitionAsync(definition, cancellationToken: cancellation);
        }

        foreach (var definition in added)
        {
            await Eventually.TrueAsync(() => IsServedAsync(definition.Spec, cancellation), TimeSpan.FromMinutes(1), () => $"{definition.Metadata.Name} is not served", cancellation);
        }
    }

    /// <summary>Waits until so many pods of a namespace are bound.</summary>
    public Task BoundAsync(int count, TimeSpan limit, CancellationToken cancellation, string space = "default")
    {
        var bound = 0;
        return Eventually.TrueAsync(
            async () =>
            {
                bound = (await Client.CoreV1.ListNamespacedPodAsync(space, fieldSelector: "spec.nodeName!=", cancellationToken: cancellation)).Items.Count;
                return bound >= count;
            },
            limit, () => $"{bound} of {count} pods of {space} are bound; kube-scheduler: {_scheduler?.LogTail(10)}", cancellation);
    }

    /// <summary>Touches a node, so that a kube-scheduler of 1.20 looks at refused pods again at once and not after a minute.</summary>
    public async Task NudgeAsync(string node, CancellationToken cancellation) =>
        await Client.CoreV1.PatchNodeAsync(new V1Patch($"{{\"metadata\":{{\"labels\":{{\"nudge\":\"{Guid.NewGuid():N}\"}}}}}}", V1Patch.PatchType.MergePatch), node, cancellationToken: cancellation);

    public async ValueTask DisposeAsync()
    {
        if (_scheduler is not null)
        {
            await _scheduler.DisposeAsync();
        }

        await StopExtenderAsync();
        await KillExtenderProcessAsync();
        await Plane.DisposeAsync();
        _certificates?.Dispose();
    }

    private async Task<bool> IsServedAsync(V1CustomResourceDefinitionSpec definition, CancellationToken cancellation)
    {
        try
        {
            await Client.CustomObjects.ListClusterCustomObjectAsync(definition.Group, definition.Versions[0].Name, definition.Names.Plural, cancellationToken: cancellation);
            return true;
        }
        catch (k8s.Autorest.HttpOperationException)
        {
            return false;
        }
    }

    private static ParallelOptions Eight(CancellationToken cancellation) => new() { MaxDegreeOfParallelism = 8, CancellationToken = cancellation };

    private async Task InstallAsync(CancellationToken cancellation)
    {
        foreach (var (file, space) in new[] { ("base/gpunode-crd.yaml", "gpu-scheduler"), ("base/rbac.yaml", "gpu-scheduler"), ("node-agent/rbac.yaml", "gpu-scheduler-node-agent") })
        {
            if (Path.GetFileName(file) == "rbac.yaml")
            {
                await Client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = space } }, cancellationToken: cancellation);
            }

            await InstallAsync(file, space, cancellation);
        }
    }

    private async Task InstallAsync(string file, string space, CancellationToken cancellation)
    {
        foreach (var item in KubernetesYaml.LoadAllFromString(await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "manifests", file), cancellation)))
        {
            switch (item)
            {
                case V1CustomResourceDefinition crd:
                    await Client.ApiextensionsV1.CreateCustomResourceDefinitionAsync(crd, cancellationToken: cancellation);
                    break;
                case V1ServiceAccount account:
                    await Client.CoreV1.CreateNamespacedServiceAccountAsync(account, space, cancellationToken: cancellation);
                    break;
                case V1ClusterRole role:
                    await Client.RbacAuthorizationV1.CreateClusterRoleAsync(role, cancellationToken: cancellation);
                    break;
                case V1RoleBinding binding:
                    await Client.RbacAuthorizationV1.CreateNamespacedRoleBindingAsync(binding, binding.Metadata.NamespaceProperty ?? space, cancellationToken: cancellation);
                    break;
                case V1ClusterRoleBinding binding:
                    await Client.RbacAuthorizationV1.CreateClusterRoleBindingAsync(binding, cancellationToken: cancellation);
                    break;
                case V1Role role:
                    await Client.RbacAuthorizationV1.CreateNamespacedRoleAsync(role, space, cancellationToken: cancellation);
                    break;
                default:
                    throw new InvalidOperationException($"{file} has a {item.GetType().Name} that the tests do not install");
            }
        }
    }
}
