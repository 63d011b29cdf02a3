using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl.Transport;

/// <summary>What the commands ask: the service, and, where it is within reach, the API server.</summary>
/// <param name="service">The way to the service.</param>
/// <param name="api">The way to the API server; null when there is none.</param>
/// <param name="namespace">The namespace of names that have none.</param>
internal sealed class Cluster(ITransport service, ITransport? api, string @namespace) : IDisposable
{
    public string Namespace => @namespace;

    /// <summary>True when the API server can be asked.</summary>
    public bool HasApi => api is not null;

    public void Dispose()
    {
        (service as IDisposable)?.Dispose();
        (api as IDisposable)?.Dispose();
    }

    /// <summary>What the service answers.</summary>
    /// <exception cref="CannotException">It does not, or says that it cannot.</exception>
    public async Task<JsonObject> AskAsync(string path, CancellationToken cancellation) =>
        Understand(await service.SendAsync(HttpMethod.Get, path, null, cancellation), service);

    /// <summary>What the service answers to a question with a body.</summary>
    /// <exception cref="CannotException">It does not, or says that it cannot.</exception>
    public async Task<JsonObject> AskAsync(string path, byte[] body, CancellationToken cancellation) =>
        Understand(await service.SendAsync(HttpMethod.Post, path, body, cancellation), service);

    /// <summary>What the service answers; null when it does not know what is asked for, or the question.</summary>
    /// <exception cref="CannotException">There is no answer.</exception>
    public async Task<JsonObject?> TryAskAsync(string path, CancellationToken cancellation)
    {
        var reply = await service.SendAsync(HttpMethod.Get, path, null, cancellation);
        return reply.Status == HttpStatusCode.NotFound && Parse(reply) is not { } json ? null
            : reply.Status == HttpStatusCode.NotFound && Parse(reply).Text("kind") != "Status" ? null
            : Understand(reply, service);
    }

    /// <summary>An object of the API server; null when there is none, or no API server.</summary>
    /// <exception cref="CannotException">It does not answer, or does not allow it.</exception>
    public async Task<JsonObject?> TryReadAsync(string path, CancellationToken cancellation)
    {
        if (api is null)
        {
            return null;
        }

        var reply = await api.SendAsync(HttpMethod.Get, path, null, cancellation);
        return reply.Status == HttpStatusCode.NotFound ? null : Understand(reply, api);
    }

    /// <summary>All items of a list of the API server, page by page; none when there is no such list.</summary>
    /// <exception cref="CannotException">It does not answer, or does not allow it.</exception>
    public async Task<List<JsonNode>> ListAsync(string path, CancellationToken cancellation)
    {
        var items = new List<JsonNode>();
        var next = "";
        do
        {
            var page = await TryReadAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}limit=500{(next.Length > 0 ? $"&continue={Uri.EscapeDataString(next)}" : "")}", cancellation);
            items.AddRange(page.Items("items").OfType<JsonNode>());
            next = page.Text("metadata", "continue");
        }
        while (next.Length > 0);

        return items;
    }

    private static JsonObject? Parse(Reply reply)
    {
        try
        {
            var json = JsonNode.Parse(reply.Body) as JsonObject;
            Check(json);
            return json;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Looks at all that is only looked at when it is read: text that is no Unicode, and fields that are given twice.</summary>
    private static void Check(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields:
                foreach (var (_, value) in fields)
                {
                    Check(value);
                }

                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    Check(item);
                }

                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                _ = value.GetValue<string>();
                break;
            default:
                break;
        }
    }

    private static JsonObject Understand(Reply reply, ITransport from)
    {
        var json = Parse(reply);
        if (reply.Status == HttpStatusCode.OK && json is not null)
        {
            return json;
        }

        var said = json.Text("error") is { Length: > 0 } error ? error : json.Text("message");
        if (json.Text("error").Length > 0)
        {
            throw new CannotException(said);
        }

        var advice = reply.Status switch
        {
            HttpStatusCode.Unauthorized => "give credentials that are accepted: --token, or a kubeconfig whose token or certificate is valid",
            HttpStatusCode.Forbidden => "you are not allowed to: ask for a role with get and create on services/proxy in the service's namespace, and get and list on pods and gpunodes",
            HttpStatusCode.NotFound when json.Text("kind") == "Status" => "gpu-scheduler is not there: name its Service with --service NAMESPACE/https:NAME:PORT, or give its address with --server",
            HttpStatusCode.NotFound => "this gpu-scheduler does not know the question: it is older than this plugin",
            HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout => "the API server cannot reach gpu-scheduler: see that its pod is ready, and that the API server may reach it (network policy, client certificates); kubectl port-forward and --server go around it",
            HttpStatusCode.OK => "it is not gpu-scheduler: check --service or --server",
            _ => "its log may say more",
        };
        var text = said.Length > 0 ? said : Encoding.UTF8.GetString(reply.Body.AsSpan(0, Math.Min(reply.Body.Length, 200))).Trim();
        throw new CannotException($"{from.Target} answered {(int)reply.Status}{(text.Length > 0 ? $" ({text})" : "")}: {advice}");
    }
}
