using System.Buffers;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using GpuScheduler.V1;

namespace GpuScheduler.Kubernetes;

/// <summary>Writes GpuNode objects (gpuscheduler.io/v1), as <see cref="GpuNodeReader"/> reads them.</summary>
/// <param name="connection">The API server.</param>
public sealed class GpuNodeWriter(KubernetesConnection connection)
{
    private const string Manager = "gpu-scheduler-node-agent";

    private static readonly RbacRule s_rule = new("gpuscheduler.io", "gpunodes", "create, patch", Manager);

    // With defaults: the keys of lists have 0 as default, and are needed to merge by.
    private static readonly JsonFormatter s_formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    /// <summary>The object of a node.</summary>
    /// <param name="node">The node's name, which is the object's.</param>
    /// <param name="report">What the node says of its GPUs.</param>
    /// <param name="indented">True for people: on several lines, and with what is empty.</param>
    public static ReadOnlyMemory<byte> ToJson(string node, NodeReport report, bool indented = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        ArgumentNullException.ThrowIfNull(report);
        var body = new ArrayBufferWriter<byte>(4096);
        using var json = new Utf8JsonWriter(body, new JsonWriterOptions { Indented = indented, Encoder = indented ? JavaScriptEncoder.UnsafeRelaxedJsonEscaping : null });
        json.WriteStartObject();
        json.WriteString("apiVersion"u8, "gpuscheduler.io/v1"u8);
        json.WriteString("kind"u8, "GpuNode"u8);
        json.WriteStartObject("metadata"u8);
        json.WriteString("name"u8, node);
        json.WriteEndObject();
        json.WritePropertyName("spec"u8);
        using (var spec = JsonDocument.Parse(s_formatter.Format(report)))
        {
            Write(spec.RootElement, json, withEmpty: indented);
        }

        json.WriteEndObject();
        json.Flush();
        return body.WrittenMemory;
    }

    /// <summary>
    /// Copies a value. API servers of 1.20 take an empty text in an applied object for null, and refuse that by the schema: what is
    /// empty is left out for them.
    /// </summary>
    private static void Write(JsonElement value, Utf8JsonWriter json, bool withEmpty)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in value.EnumerateObject())
                {
                    if (withEmpty || !IsEmpty(property.Value))
                    {
                        json.WritePropertyName(property.Name);
                        Write(property.Value, json, withEmpty);
                    }
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(item, json, withEmpty);
                }

                json.WriteEndArray();
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    private static bool IsEmpty(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.ValueEquals(""u8) : value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0;

    /// <summary>Puts the report in place of the one that is there, or creates the object (server-side apply).</summary>
    /// <param name="node">The node's name.</param>
    /// <param name="report">What the node says of its GPUs.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">It was not written. The message says what to change where that is known.</exception>
    public async Task ApplyAsync(string node, NodeReport report, CancellationToken cancellationToken)
    {
        var path = $"apis/gpuscheduler.io/v1/gpunodes/{Uri.EscapeDataString(node)}?fieldManager={Manager}&force=true";
        try
        {
            await connection.CallAsync(HttpMethod.Patch, path, ToJson(node, report), s_rule, cancellationToken, "application/apply-patch+yaml");
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.NotFound)
        {
            throw new KubernetesApiException($"{e.Message}: install the CustomResourceDefinition gpunodes.gpuscheduler.io (manifests/base/gpunode-crd.yaml)", e.Status, e);
        }
    }
}
