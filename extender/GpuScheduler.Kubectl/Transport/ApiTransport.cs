using GpuScheduler.Kubernetes;

namespace GpuScheduler.Kubectl.Transport;

/// <summary>The API server, or with a prefix a service behind its proxy.</summary>
/// <param name="connection">The way to the API server.</param>
/// <param name="prefix">What goes before each path, without a leading slash and with one at its end; empty for the API server itself.</param>
internal sealed class ApiTransport(KubernetesConnection connection, string prefix = "") : ITransport
{
    public string Target => prefix.Length == 0 ? $"the API server at {connection.Server}" : $"the API server's proxy at {new Uri(connection.Server, prefix)}";

    public async Task<Reply> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellation)
    {
        try
        {
            var (status, answer) = await connection.ExchangeAsync(method, prefix + path.TrimStart('/'), body is null ? null : (ReadOnlyMemory<byte>?)body, "application/yaml", cancellation);
            return new Reply(status, answer);
        }
        catch (KubernetesApiException e)
        {
            throw new CannotException($"{e.Message}: check the kubeconfig and its context (kubectl cluster-info), or reach the service directly with --server", e);
        }
    }
}
