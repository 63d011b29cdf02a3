using System.CommandLine;
using System.Net.Http.Headers;
using GpuScheduler.Kubectl.Transport;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>The options that all commands share: where the cluster is, and in what form answers are given.</summary>
internal sealed class ConnectionOptions
{
    private const string UsualService = "gpu-scheduler/https:gpu-scheduler-extender:8443";

    private readonly Option<string?> _namespace = new("--namespace", "-n") { Description = "Namespace of pods and gangs. Default: the context's, else default.", HelpName = "NS", Recursive = true };
    private readonly Option<string?> _kubeconfig = new("--kubeconfig") { Description = "Path of a kubeconfig. Default: KUBECONFIG, else ~/.kube/config.", HelpName = "FILE", Recursive = true };
    private readonly Option<string?> _context = new("--context") { Description = "Context of the kubeconfig.", HelpName = "NAME", Recursive = true };
    private readonly Option<string> _service = new("--service") { Description = "The service's Service: NAMESPACE/SCHEME:NAME:PORT.", HelpName = "SERVICE", Recursive = true, DefaultValueFactory = _ => UsualService };
    private readonly Option<string?> _server = new("--server") { Description = "Address of gpu-scheduler itself, to go around the API server: http://127.0.0.1:18888.", HelpName = "URL", Recursive = true };
    private readonly Option<string?> _token = new("--token") { Description = "With --server: a bearer token. Default: that of the kubeconfig, if --kubeconfig or --context is given.", HelpName = "TOKEN", Recursive = true };
    private readonly Option<string?> _ca = new("--ca") { Description = "With --server: authorities (PEM) that its certificate is checked by.", HelpName = "FILE", Recursive = true };
    private readonly Option<string?> _cert = new("--cert") { Description = "With --server: a client certificate (PEM), where it asks for one.", HelpName = "FILE", Recursive = true };
    private readonly Option<string?> _key = new("--key") { Description = "With --cert: its key (PEM).", HelpName = "FILE", Recursive = true };
    private readonly Option<string?> _serverName = new("--server-name") { Description = "With --server: the name that its certificate bears, behind a port-forward.", HelpName = "NAME", Recursive = true };

    /// <summary>The form of the answer.</summary>
    public Option<string> Output { get; } = new Option<string>("--output", "-o") { Description = "table, json or yaml.", HelpName = "FORM", Recursive = true, DefaultValueFactory = _ => "table" }.AcceptOnlyFromAmong("table", "json", "yaml");

    public void AddTo(Command root)
    {
        foreach (var option in (ReadOnlySpan<Option>)[_namespace, Output, _kubeconfig, _context, _service, _server, _token, _ca, _cert, _key, _serverName])
        {
            root.Options.Add(option);
        }
    }

    /// <summary>Prepares the ways to the service and the API server.</summary>
    /// <exception cref="UsageException">The options cannot be used.</exception>
    /// <exception cref="CannotException">There are no credentials.</exception>
    public async Task<Cluster> ConnectAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (server, kubeconfig, context) = (parsed.GetValue(_server), parsed.GetValue(_kubeconfig), parsed.GetValue(_context));
        var (token, ca, cert, key) = (parsed.GetValue(_token), parsed.GetValue(_ca), parsed.GetValue(_cert), parsed.GetValue(_key));
        if (server is null)
        {
            if (((ReadOnlySpan<Option<string?>>)[_token, _ca, _cert, _key, _serverName]).ToArray().FirstOrDefault(o => parsed.GetValue(o) is not null) is { } direct)
            {
                throw new UsageException($"{direct.Name} goes with --server: through the API server the kubeconfig's credentials count");
            }

            var connection = Connect(kubeconfig, context);
            return new Cluster(new ApiTransport(connection, ProxyPath(parsed.GetValue(_service)!)), new ApiTransport(connection), parsed.GetValue(_namespace) ?? connection.Namespace ?? "default");
        }

        if (!Uri.TryCreate(server.TrimEnd('/') + "/", UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            throw new UsageException($"--server {server} is no address: http://HOST:PORT or https://HOST:PORT is allowed");
        }

        if (token is not null && !AuthenticationHeaderValue.TryParse("Bearer " + token, out _))
        {
            throw new UsageException("--token is no bearer token: it must be one word");
        }

        if ((cert is null) != (key is null))
        {
            throw new UsageException("--cert and --key go together: give both or none");
        }

        var api = kubeconfig is not null || context is not null ? Connect(kubeconfig, context) : null;
        var authorization = token is not null ? "Bearer " + token : null;
        if (authorization is null && api is not null && (address.Scheme == "https" || address.IsLoopback))
        {
            try
            {
                authorization = await api.AuthorizationAsync(cancellation);
            }
            catch (KubernetesApiException e)
            {
                throw new CannotException(e.Message, e);
            }
        }

        return new Cluster(new DirectTransport(address, authorization, ca, parsed.GetValue(_serverName), cert is not null && key is not null ? (cert, key) : null), api is null ? null : new ApiTransport(api), parsed.GetValue(_namespace) ?? api?.Namespace ?? "default");
    }

    private static KubernetesConnection Connect(string? kubeconfig, string? context)
    {
        try
        {
            return KubernetesConnection.Create(new KubernetesConnectionOptions { Kubeconfig = kubeconfig, Context = context });
        }
        catch (KubernetesConfigurationException e)
        {
            throw new UsageException($"{e.Message}; or give the address of gpu-scheduler with --server", e);
        }
    }

    private static string ProxyPath(string service)
    {
        var parts = service.Split('/');
        return parts.Length == 2 && parts.All(p => p.Length > 0 && p.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or ':'))
            ? $"api/v1/namespaces/{parts[0]}/services/{parts[1]}/proxy/"
            : throw new UsageException($"--service {service} is no Service: NAMESPACE/SCHEME:NAME:PORT is allowed, for example {UsualService}");
    }
}
