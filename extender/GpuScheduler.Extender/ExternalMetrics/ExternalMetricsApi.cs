using System.Globalization;
using System.Text.Json;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.ExternalMetrics;

/// <summary>
/// external.metrics.k8s.io/v1beta1, as an aggregated API: discovery, and the values of a metric in a namespace. Source of the forms:
/// k8s.io/metrics pkg/apis/external_metrics/v1beta1 and k8s.io/apimachinery pkg/apis/meta/v1.
/// </summary>
internal sealed partial class ExternalMetricsApi(FrontProxy proxy, IEnumerable<IMetricSource> sources, Readiness readiness, TimeProvider time, ILogger<ExternalMetricsApi> log)
{
    public const string Group = "external.metrics.k8s.io";

    private const string Version = "v1beta1";

    private readonly IMetricSource[] _sources = [.. sources];

    private IEnumerable<string> Names => _sources.SelectMany(s => s.Names);

    public async Task ServeAsync(HttpContext context)
    {
        try
        {
            await AnswerAsync(context);
        }
        catch (KubernetesApiException e)
        {
            LogNotAsked(log, e.Message);
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "ServiceUnavailable", "the API server could not be asked whether this is allowed; the log of gpu-scheduler-extender says more");
        }
    }

    private Task AnswerAsync(HttpContext context)
    {
        if (proxy.CallerOf(context.Request) is not { } caller)
        {
            return RefuseAsync(context, StatusCodes.Status401Unauthorized, "Unauthorized", "the request does not say for whom it is made: ask the API server, which passes it on");
        }

        if (!HttpMethods.IsGet(context.Request.Method))
        {
            return RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "MethodNotAllowed", "metrics can only be read");
        }

        return context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
        {
            ["apis"] => WriteAsync(context, json =>
            {
                Head(json, "APIGroupList", "v1");
                json.WriteStartArray("groups");
                json.WriteStartObject();
                WriteGroup(json);
                json.WriteEndObject();
                json.WriteEndArray();
            }),
            ["apis", Group] => WriteAsync(context, json =>
            {
                Head(json, "APIGroup", "v1");
                WriteGroup(json);
            }),
            ["apis", Group, Version] => WriteAsync(context, WriteResources),
            ["apis", Group, Version, "namespaces", var podNamespace, var metric] => ListAsync(context, caller, podNamespace, metric),
            _ => RefuseAsync(context, StatusCodes.Status404NotFound, "NotFound", $"there is /apis/{Group}/{Version}/namespaces/NAMESPACE/METRIC; the metrics are {string.Join(", ", Names)}"),
        };
    }

    private async Task ListAsync(HttpContext context, (string User, string[] Groups) caller, string podNamespace, string metric)
    {
        if (!await proxy.MayListAsync(caller, Group, podNamespace, metric, context.RequestAborted))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "Forbidden", $"user \"{caller.User}\" cannot list resource \"{metric}\" in API group \"{Group}\" in the namespace \"{podNamespace}\"");
        }
        else if (!LabelSelector.TryParse(context.Request.Query["labelSelector"].ToString(), out var selector, out var why))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "BadRequest", why);
        }
        else if (!readiness.IsSynced)
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "ServiceUnavailable", Readiness.NotSynced);
        }
        else if (_sources.Select(s => s.Find(metric, podNamespace, selector)).FirstOrDefault(v => v is not null) is not { } values)
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, "NotFound", $"there is no metric \"{metric}\"; there are {string.Join(", ", Names)}");
        }
        else
        {
            await WriteAsync(context, json => WriteValues(json, metric, values));
        }
    }

    private void WriteValues(Utf8JsonWriter json, string metric, IReadOnlyList<ExternalMetric> values)
    {
        Head(json, "ExternalMetricValueList", $"{Group}/{Version}");
        json.WriteStartObject("metadata");
        json.WriteEndObject();
        json.WriteStartArray("items");
        foreach (var value in values)
        {
            json.WriteStartObject();
            json.WriteString("metricName", metric);
            json.WriteStartObject("metricLabels");
            foreach (var (key, label) in value.Labels)
            {
                json.WriteString(key, label);
            }

            json.WriteEndObject();
            json.WriteString("timestamp", time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
            json.WriteString("value", value.Milli % 1000 == 0 ? (value.Milli / 1000).ToString(CultureInfo.InvariantCulture) : value.Milli.ToString(CultureInfo.InvariantCulture) + "m");
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteGroup(Utf8JsonWriter json)
    {
        json.WriteString("name", Group);
        json.WriteStartArray("versions");
        WriteVersion(json);
        json.WriteEndArray();
        json.WritePropertyName("preferredVersion");
        WriteVersion(json);
    }

    private static void WriteVersion(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("groupVersion", $"{Group}/{Version}");
        json.WriteString("version", Version);
        json.WriteEndObject();
    }

    private void WriteResources(Utf8JsonWriter json)
    {
        Head(json, "APIResourceList", "v1");
        json.WriteString("groupVersion", $"{Group}/{Version}");
        json.WriteStartArray("resources");
        foreach (var name in Names)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("singularName", "");
            json.WriteBoolean("namespaced", true);
            json.WriteString("kind", "ExternalMetricValueList");
            json.WriteStartArray("verbs");
            json.WriteStringValue("get");
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static Task RefuseAsync(HttpContext context, int code, string reason, string message)
    {
        context.Response.StatusCode = code;
        return WriteAsync(context, json =>
        {
            Head(json, "Status", "v1");
            json.WriteStartObject("metadata");
            json.WriteEndObject();
            json.WriteString("status", "Failure");
            json.WriteString("message", message);
            json.WriteString("reason", reason);
            json.WriteNumber("code", code);
        });
    }

    private static void Head(Utf8JsonWriter json, string kind, string apiVersion)
    {
        json.WriteString("kind", kind);
        json.WriteString("apiVersion", apiVersion);
    }

    private static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    }

    [LoggerMessage(1081, LogLevel.Warning, "The API server could not be asked whether external metrics may be read: {Why}", EventName = "AccessNotAsked")]
    private static partial void LogNotAsked(ILogger log, string why);
}
