using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;

namespace GpuScheduler.Testing.ControlPlane;

/// <summary>
/// etcd and a Kubernetes API server of one test's own, on loopback with random ports, all files in a temporary
/// folder. There are no controllers and no kubelets: nodes are objects that the test creates, a bound pod stays
/// Pending with <c>PodScheduled=True</c>, and nothing is collected or evicted.
/// </summary>
public sealed class TestControlPlane : IAsyncDisposable
{
    private const string Administrator = "admin";
    private const string SchedulerUser = "system:kube-scheduler";
    private const int StartAttempts = 3;

    private readonly TestControlPlaneOptions _options;
    private readonly string _folder;
    private readonly ServingCertificate _certificate;
    private readonly HttpClient _probe;
    private readonly Dictionary<string, string> _tokens = new(StringComparer.Ordinal);
    private readonly List<KubeSchedulerProcess> _schedulers = [];
    private readonly Lazy<IKubernetes> _client;
    private readonly int _etcdClientPort;
    private readonly int _etcdPeerPort;
    private readonly int _apiServerPort;
    private int _filesWritten;
    private ChildProcess? _etcd;
    private ChildProcess? _apiServer;

    private TestControlPlane(ControlPlaneBinaries binaries, TestControlPlaneOptions options)
    {
        Binaries = binaries;
        _options = options;
        // The folder is its owner's alone, which keeps keys and tokens to this user.
        _folder = Directory.CreateTempSubdirectory("gpu-scheduler-control-plane-").FullName;
        _certificate = ServingCertificate.Create(_folder);
        _probe = _certificate.CreateHttpClient();
        var ports = LoopbackPorts.Pick(3);
        (_etcdClientPort, _etcdPeerPort, _apiServerPort) = (ports[0], ports[1], ports[2]);
        ApiServer = new Uri(string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{_apiServerPort}"));
        _client = new Lazy<IKubernetes>(() => new Kubernetes(ClientConfig(AdminToken)));
    }

    /// <summary>What it runs on.</summary>
    public ControlPlaneBinaries Binaries { get; }

    /// <summary>The API server's address; it stays the same over restarts.</summary>
    public Uri ApiServer { get; }

    /// <summary>The bearer token of a member of <c>system:masters</c>.</summary>
    public string AdminToken => _tokens[Administrator];

    /// <summary>The administrator's client; disposed with the control plane.</summary>
    public IKubernetes Client => _client.Value;

    /// <summary>Path of the API server's log.</summary>
    public string ApiServerLog => Path.Combine(_folder, "kube-apiserver.log");

    /// <summary>Starts etcd and the API server, and returns when the API is ready and its default namespaces exist.</summary>
    /// <exception cref="ControlPlaneException">A process ended or was not ready in time.</exception>
    public static async Task<TestControlPlane> StartAsync(
        ControlPlaneBinaries binaries, TestControlPlaneOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(binaries);
        for (var attempt = 1; ; attempt++)
        {
            var controlPlane = new TestControlPlane(binaries, options ?? new TestControlPlaneOptions());
            try
            {
                controlPlane.WriteTokens();
                await controlPlane.StartEtcdAsync(cancellationToken);
                await controlPlane.StartApiServerAsync(cancellationToken);
                return controlPlane;
            }
            catch (ControlPlaneException fault) when (attempt < StartAttempts && LostItsPort(fault))
            {
                // Somebody was faster to use one of the ports: once more with others.
                await controlPlane.DisposeAsync();
            }
            catch
            {
                await controlPlane.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>The bearer token of a user of the options, of <c>admin</c> or of <c>system:kube-scheduler</c>.</summary>
    public string TokenFor(string user) =>
        _tokens.TryGetValue(user, out var token)
            ? token
            : throw new ArgumentException($"No user '{user}'; there are {string.Join(", ", _tokens.Keys)}.", nameof(user));

    /// <summary>A client configuration that trusts the API server's certificate and carries the token.</summary>
    public KubernetesClientConfiguration ClientConfig(string token) => new()
    {
        Host = ApiServer.GetLeftPart(UriPartial.Authority),
        AccessToken = token,
        SslCaCerts = new X509Certificate2Collection(_certificate.Copy()),
        UserAgent = "gpu-scheduler-tests",
    };

    /// <summary>Writes a kubeconfig with the token and the certificate to trust.</summary>
    /// <returns>The file's path; it lives as long as the control plane.</returns>
    public string WriteKubeconfig(string token)
    {
        var path = NewFile("kubeconfig", ".yaml");
        var authority = Convert.ToBase64String(Encoding.ASCII.GetBytes(_certificate.CertificatePem));
        File.WriteAllText(path, $$"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: test
              cluster:
                server: {{ApiServer.GetLeftPart(UriPartial.Authority)}}
                certificate-authority-data: {{authority}}
            users:
            - name: test
              user:
                token: {{token}}
            contexts:
            - name: test
              context:
                cluster: test
                user: test
            current-context: test

            """);
        return path;
    }

    /// <summary>Starts a scheduler and returns when it is healthy; it is stopped with the control plane at the latest.</summary>
    /// <remarks>
    /// 1.20 is healthy before its node cache is filled: its first decisions may see only some of the nodes.
    /// </remarks>
    public async Task<KubeSchedulerProcess> StartSchedulerAsync(
        KubeSchedulerSetup setup, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(setup);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var scheduler = await KubeSchedulerProcess.StartAsync(
                    Binaries,
                    setup,
                    _certificate,
                    _probe,
                    WriteKubeconfig(setup.Token ?? TokenFor(SchedulerUser)),
                    NewFile("kube-scheduler", ""),
                    _options.StartTimeout,
                    cancellationToken);
                lock (_schedulers)
                {
                    _schedulers.Add(scheduler);
                }

                return scheduler;
            }
            catch (ControlPlaneException fault) when (attempt < StartAttempts && LostItsPort(fault))
            {
                // As at the control plane's own start.
            }
        }
    }

    /// <summary>Kills the API server; its port refuses connections until <see cref="StartApiServerAsync"/>.</summary>
    public async Task StopApiServerAsync()
    {
        if (_apiServer is { } running)
        {
            _apiServer = null;
            await running.DisposeAsync();
        }
    }

    /// <summary>Starts the API server after <see cref="StopApiServerAsync"/>, at the same address, and waits until it is ready.</summary>
    public async Task StartApiServerAsync(CancellationToken cancellationToken = default)
    {
        if (_apiServer is not null)
        {
            throw new InvalidOperationException("The API server is running.");
        }

        _apiServer = await ChildProcess.StartAsync(
            "kube-apiserver", Binaries.KubeApiServer, ApiServerArguments(), ApiServerLog);
        await _apiServer.WaitUntilReadyAsync(IsApiReadyAsync, _options.StartTimeout, cancellationToken);
    }

    /// <summary>
    /// Kills the API server and starts it again at the same address: every watch breaks, while objects and
    /// resource versions stay. Returns when it is ready.
    /// </summary>
    public async Task RestartApiServerAsync(CancellationToken cancellationToken = default)
    {
        await StopApiServerAsync();
        await StartApiServerAsync(cancellationToken);
    }

    /// <summary>
    /// Stops the API server as it stands (SIGSTOP): connections stay open and are even accepted, by the kernel,
    /// but nothing is answered, like a peer behind a broken network.
    /// </summary>
    public void PauseApiServer() => RunningApiServer().Pause();

    /// <summary>Lets a paused API server go on.</summary>
    public void ResumeApiServer() => RunningApiServer().Resume();

    /// <summary>The last lines of every log, for a failing test's message.</summary>
    /// <param name="lines">How many of each.</param>
    public string LogTail(int lines = 40)
    {
        var text = new StringBuilder();
        text.Append(_etcd?.LogTail(lines));
        text.Append(_apiServer?.LogTail(lines));
        lock (_schedulers)
        {
            foreach (var scheduler in _schedulers)
            {
                text.Append(scheduler.LogTail(lines));
            }
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        KubeSchedulerProcess[] schedulers;
        lock (_schedulers)
        {
            schedulers = [.. _schedulers];
        }

        foreach (var scheduler in schedulers)
        {
            await scheduler.DisposeAsync();
        }

        if (_client.IsValueCreated)
        {
            _client.Value.Dispose();
        }

        await StopApiServerAsync();
        if (_etcd is not null)
        {
            await _etcd.DisposeAsync();
        }

        _probe.Dispose();
        _certificate.Dispose();
        if (!_options.KeepFolder && Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static bool LostItsPort(ControlPlaneException fault) =>
        fault.Message.Contains("address already in use", StringComparison.Ordinal);

    private ChildProcess RunningApiServer() =>
        _apiServer ?? throw new InvalidOperationException("The API server is stopped.");

    private string NewFile(string name, string extension) => Path.Combine(
        _folder, string.Create(CultureInfo.InvariantCulture, $"{name}-{Interlocked.Increment(ref _filesWritten)}{extension}"));

    private void WriteTokens()
    {
        var text = new StringBuilder();
        StaticUser[] builtIn = [new(Administrator, ["system:masters"]), new(SchedulerUser, [])];
        foreach (var user in builtIn.Concat(_options.Users))
        {
            var token = RandomNumberGenerator.GetHexString(32, lowercase: true);
            _tokens.Add(user.Name, token);
            text.Append(
                CultureInfo.InvariantCulture,
                $"{token},{user.Name},{user.Uid ?? user.Name},\"{string.Join(',', user.Groups)}\"\n");
        }

        File.WriteAllText(Path.Combine(_folder, "tokens.csv"), text.ToString());
    }

    private async Task StartEtcdAsync(CancellationToken cancellationToken)
    {
        var client = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_etcdClientPort}");
        var peer = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_etcdPeerPort}");
        List<string> arguments =
        [
            "--name=test",
            $"--data-dir={Path.Combine(_folder, "etcd")}",
            $"--listen-client-urls={client}",
            $"--advertise-client-urls={client}",
            $"--listen-peer-urls={peer}",
            $"--initial-advertise-peer-urls={peer}",
            $"--initial-cluster=test={peer}",
        ];
        if (Binaries.EtcdCanSkipFsync)
        {
            arguments.Add("--unsafe-no-fsync");
        }

        _etcd = await ChildProcess.StartAsync("etcd", Binaries.Etcd, arguments, Path.Combine(_folder, "etcd.log"));
        await _etcd.WaitUntilReadyAsync(
            async token =>
            {
                using var answer = await _probe.GetAsync(new Uri($"{client}/health"), token);
                return answer.IsSuccessStatusCode;
            },
            _options.StartTimeout,
            cancellationToken);
    }

    private IEnumerable<string> ApiServerArguments() =>
    [
        string.Create(CultureInfo.InvariantCulture, $"--etcd-servers=http://127.0.0.1:{_etcdClientPort}"),
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        string.Create(CultureInfo.InvariantCulture, $"--secure-port={_apiServerPort}"),
        $"--tls-cert-file={_certificate.CertificatePath}",
        $"--tls-private-key-file={_certificate.KeyPath}",
        $"--token-auth-file={Path.Combine(_folder, "tokens.csv")}",
        $"--authorization-mode={_options.AuthorizationMode}",
        "--service-account-issuer=https://kubernetes.default.svc",
        $"--service-account-signing-key-file={_certificate.KeyPath}",
        $"--service-account-key-file={_certificate.KeyPath}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--endpoint-reconciler-type=none",
        // There are no controllers to make service accounts, to lift the not-ready taint, or to act on tolerations.
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,DefaultTolerationSeconds",
        // A load generator is not to meet 429; 0 is no limit.
        "--enable-priority-and-fairness=false",
        "--max-requests-inflight=0",
        "--max-mutating-requests-inflight=0",
        "--allow-privileged=true",
        "--profiling=false",
        .. _options.ExtraApiServerArguments,
    ];

    private async Task<bool> IsApiReadyAsync(CancellationToken cancellationToken)
    {
        // The namespaces are made by a loop of the API server's own, which readiness does not wait for.
        foreach (var path in (string[])["/readyz", "/api/v1/namespaces/default", "/api/v1/namespaces/kube-system"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(ApiServer, path));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", AdminToken);
            using var answer = await _probe.SendAsync(request, cancellationToken);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                return false;
            }
        }

        return true;
    }
}
