using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using k8s;
using k8s.Exceptions;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// The way to one API server: finds and loads the configuration, and sends calls with its credentials. Tokens are renewed and
/// client certificates shown as the client library does it; there is no limit on the rate of calls on our side.
/// </summary>
public sealed class KubernetesConnection : IDisposable
{
    private const int MostErrorBytes = 64 * 1024;

    private const string Json = "application/json";
    private const string MergePatch = "application/merge-patch+json";

    private readonly k8s.Kubernetes _client;
    private readonly TimeProvider _time;
    private readonly IWriteFence? _fence;

    /// <summary>Connects by a configuration of the client library.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="options">Time limits; the kubeconfig in it is not looked at.</param>
    /// <param name="time">Clock of the time limits.</param>
    /// <param name="fence">Is asked before everything that writes; null where one may always write.</param>
    /// <exception cref="KubernetesConfigurationException">The configuration is not complete.</exception>
    public KubernetesConnection(KubernetesClientConfiguration configuration, KubernetesConnectionOptions? options = null, TimeProvider? time = null, IWriteFence? fence = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        Options = options ?? new KubernetesConnectionOptions();
        Namespace = configuration.Namespace;
        _time = time ?? TimeProvider.System;
        _fence = fence;
        configuration.UserAgent = string.IsNullOrEmpty(configuration.UserAgent) ? "gpu-scheduler" : configuration.UserAgent;
        var setup = configuration.FirstMessageHandlerSetup;
        configuration.FirstMessageHandlerSetup = handler =>
        {
            // All calls share an HTTP/2 connection, and one that broke silently must not hold up binds for minutes.
            handler.ConnectTimeout = Options.CallTimeout;
            handler.KeepAlivePingDelay = TimeSpan.FromSeconds(15);
            handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
            handler.EnableMultipleHttp2Connections = true;
            setup?.Invoke(handler);
        };
        try
        {
            _client = new k8s.Kubernetes(configuration);
        }
        catch (KubeConfigException e)
        {
            throw new KubernetesConfigurationException($"the configuration for the API server {configuration.Host} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>The options in force.</summary>
    public KubernetesConnectionOptions Options { get; }

    /// <summary>Typed calls, for what is not on a hot path.</summary>
    public IKubernetes Client => _client;

    /// <summary>The namespace that the kubeconfig's context names; null when it names none.</summary>
    public string? Namespace { get; }

    /// <summary>Address of the API server.</summary>
    public Uri Server => _client.BaseUri;

    /// <summary>Connects as the options say.</summary>
    /// <exception cref="KubernetesConfigurationException">There is no usable configuration. The message says what to change.</exception>
    public static KubernetesConnection Create(KubernetesConnectionOptions options, TimeProvider? time = null, IWriteFence? fence = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new KubernetesConnection(Load(options), options, time, fence);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <summary>
    /// Sends a request with credentials and returns when the head of a good answer is there; its body is left to be read.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="pathAndQuery">Path below the server's address, without a leading slash.</param>
    /// <param name="body">A JSON body, for PATCH a merge patch; or null.</param>
    /// <param name="rule">What must be allowed for this, for the message when it is not.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <param name="contentType">What the body is; null for JSON, and for PATCH a merge patch.</param>
    /// <exception cref="KubernetesApiException">There was no answer, or one that says no.</exception>
    internal async Task<HttpResponseMessage> SendAsync(HttpMethod method, string pathAndQuery, ReadOnlyMemory<byte>? body, RbacRule rule, CancellationToken cancellationToken, string? contentType = null)
    {
        HttpResponseMessage? response = null;
        var allowed = CancellationToken.None;
        try
        {
            using var request = new HttpRequestMessage(method, new Uri(_client.BaseUri, pathAndQuery)) { Version = HttpVersion.Version20 };
            request.Headers.Accept.ParseAdd(Json);
            request.Headers.UserAgent.ParseAdd("gpu-scheduler");
            if (body is { } bytes)
            {
                request.Content = new ReadOnlyMemoryContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue(contentType ?? (method == HttpMethod.Patch ? MergePatch : Json)) } };
            }

            await AddCredentialsAsync(request, cancellationToken);
            allowed = Allowed(method);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(allowed, cancellationToken);
            response = await _client.HttpClient.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            throw await RefusalAsync(response, rule, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            response?.Dispose();
            throw new KubernetesApiException($"no answer from the API server at {_client.BaseUri}: {Innermost(e)}", innerException: e)
            {
                NeverSent = e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError },
            };
        }
        catch (OperationCanceledException e) when (allowed.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            response?.Dispose();
            throw new KubernetesApiException("the right to write ended while the call was on its way", innerException: e);
        }
        catch
        {
            response?.Dispose();
            throw;
        }
    }

    /// <summary>Ends the call when writing is no longer allowed; throws when it is not allowed now.</summary>
    private CancellationToken Allowed(HttpMethod method) =>
        _fence is null || method == HttpMethod.Get ? CancellationToken.None
        : _fence.TryEnter(out var ends, out var refusal) ? ends
        : throw new KubernetesApiException(refusal) { NeverSent = true };

    /// <summary>
    /// Sends a request with credentials and returns the answer whole, whatever it is: for what the API server only passes on to others, whose
    /// answers are theirs to explain.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="pathAndQuery">Path below the server's address, without a leading slash.</param>
    /// <param name="body">A body, or null.</param>
    /// <param name="contentType">What the body is.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">There was no answer.</exception>
    public async Task<(HttpStatusCode Status, byte[] Body)> ExchangeAsync(HttpMethod method, string pathAndQuery, ReadOnlyMemory<byte>? body, string contentType, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(method);
        using var request = new HttpRequestMessage(method, new Uri(_client.BaseUri, pathAndQuery));
        request.Headers.Accept.ParseAdd(Json);
        if (body is { } bytes)
        {
            request.Content = new ReadOnlyMemoryContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } };
        }

        try
        {
            await AddCredentialsAsync(request, cancellationToken);
            using var response = await _client.HttpClient.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return (response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancellationToken));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new KubernetesApiException($"no answer from the API server at {_client.BaseUri}: {Innermost(e)}", innerException: e);
        }
    }

    /// <summary>The Authorization header with which the API server is called; null when it is called with a client certificate or none.</summary>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">There are no credentials.</exception>
    public async Task<string?> AuthorizationAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _client.BaseUri);
        await AddCredentialsAsync(request, cancellationToken);
        return request.Headers.Authorization?.ToString();
    }

    /// <summary>Sends a request whose answer is small, and returns it whole, within the time limit of a call.</summary>
    /// <exception cref="KubernetesApiException">There was no answer in time, or one that says no.</exception>
    internal async Task<byte[]> CallAsync(HttpMethod method, string pathAndQuery, ReadOnlyMemory<byte>? body, RbacRule rule, CancellationToken cancellationToken, string? contentType = null)
    {
        using var limit = new CancellationTokenSource(Options.CallTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var response = await SendAsync(method, pathAndQuery, body, rule, both.Token, contentType);
            return await response.Content.ReadAsByteArrayAsync(both.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new KubernetesApiException($"no answer from the API server at {_client.BaseUri} within {Options.CallTimeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s", innerException: e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new KubernetesApiException($"the connection to the API server at {_client.BaseUri} broke: {Innermost(e)}", innerException: e);
        }
    }

    /// <summary>Reads the token's file, or runs the kubeconfig's command, as often as the client library finds it due.</summary>
    private async Task AddCredentialsAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            if (_client.Credentials is { } credentials)
            {
                await credentials.ProcessHttpRequestAsync(request, cancellationToken);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new KubernetesApiException($"there are no credentials for the API server at {_client.BaseUri}: {e.Message}", innerException: e) { NeverSent = true };
        }
    }

    private static KubernetesClientConfiguration Load(KubernetesConnectionOptions options)
    {
        var source = "";
        try
        {
            if (options.Kubeconfig is { } path)
            {
                source = path;
                return File.Exists(path)
                    ? KubernetesClientConfiguration.BuildConfigFromConfigFile(path, options.Context)
                    : throw new KubernetesConfigurationException($"kubeconfig {path} does not exist: correct the path, or give none to use KUBECONFIG, the pod's service account or ~/.kube/config");
            }

            if (Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } list)
            {
                source = $"KUBECONFIG={list}";
                var files = list.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Where(File.Exists).ToArray();
                return files switch
                {
                    [] => throw new KubernetesConfigurationException($"{source} names no file that exists: correct it or unset it"),
                    [var file] => KubernetesClientConfiguration.BuildConfigFromConfigFile(file, options.Context),
                    _ when options.Context is null => KubernetesClientConfiguration.BuildDefaultConfig(),
                    _ => throw new KubernetesConfigurationException($"{source} names several files, and a context can only be chosen in one: give the path of the kubeconfig that has context {options.Context}"),
                };
            }

            if (options.Context is null && KubernetesClientConfiguration.IsInCluster())
            {
                source = "the pod's service account";
                return KubernetesClientConfiguration.InClusterConfig();
            }

            source = KubernetesClientConfiguration.KubeConfigDefaultLocation;
            return File.Exists(source)
                ? KubernetesClientConfiguration.BuildConfigFromConfigFile(source, options.Context)
                : throw new KubernetesConfigurationException(
                    $"no way to a cluster was found: set KUBECONFIG or give the path of a kubeconfig, put one at {source}, or run in a pod with a service account (automountServiceAccountToken: true)");
        }
        catch (Exception e) when (e is not KubernetesConfigurationException)
        {
            // The client library tells faults of the file by a dozen types, and an empty one by a null reference.
            var why = e is NullReferenceException ? "it lacks clusters, contexts or users" : e.Message;
            throw new KubernetesConfigurationException($"{source} cannot be used: {why}", e);
        }
    }

    private static async Task<KubernetesApiException> RefusalAsync(HttpResponseMessage response, RbacRule rule, CancellationToken cancellationToken)
    {
        var status = ApiStatus.Read(await ReadStartAsync(response, cancellationToken));
        var said = status.Message.Length > 0 ? status.Message : response.ReasonPhrase ?? "";
        var code = (int)response.StatusCode;
        var advice = response.StatusCode switch
        {
            HttpStatusCode.Forbidden => $"; {rule}",
            HttpStatusCode.Unauthorized => "; the credentials are not accepted: renew the token or client certificate of the kubeconfig or service account",
            _ => "",
        };
        var wait = response.Headers.RetryAfter?.Delta;
        return new KubernetesApiException(string.Create(CultureInfo.InvariantCulture, $"the API server answered {code}: {said}{advice}"), response.StatusCode)
        {
            RetryAfter = wait,
            Reason = status.Reason,
        };
    }

    private static async Task<byte[]> ReadStartAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var buffer = new byte[MostErrorBytes];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return buffer[..length];
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
        {
            e = inner;
        }

        return e.Message;
    }
}
