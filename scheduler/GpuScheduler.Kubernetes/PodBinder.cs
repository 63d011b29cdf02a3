using System.Buffers;
using System.Net;
using System.Text.Json;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Binds by POST to pods/{name}/binding. The API server merges the annotations of the Binding into the pod in the same write, so
/// that a pod never has a node without its devices.
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="logger">Gets the outcomes that had to be asked for.</param>
/// <param name="dialects">The sharing dialects that are read in pods; null for all.</param>
public sealed class PodBinder(KubernetesConnection connection, ILogger<PodBinder> logger, DialectSet? dialects = null) : IPodBinder
{
    private static readonly RbacRule s_bindRule = new("", "pods/binding", "create");
    private static readonly RbacRule s_getRule = new("", "pods", "get");

    /// <inheritdoc/>
    public async Task<BindOutcome> BindAsync(string podNamespace, string podName, string podUid, string node, DeviceAssignment devices, PluginContract contract, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(podNamespace);
        ArgumentException.ThrowIfNullOrEmpty(podName);
        ArgumentException.ThrowIfNullOrEmpty(podUid);
        ArgumentException.ThrowIfNullOrEmpty(node);
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentNullException.ThrowIfNull(contract);
        var bind = new Bind(podNamespace, podName, podUid, node, devices, Write(podNamespace, podName, podUid, node, devices, contract));
        if (cancellationToken.IsCancellationRequested)
        {
            return BindOutcome.Rejected("the bind was cancelled before it was sent");
        }

        try
        {
            return await BindAsync(bind, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return BindOutcome.Unknown("the bind was cancelled on its way");
        }
    }

    /// <inheritdoc/>
    public async Task<PodInfo?> GetPodAsync(string podNamespace, string podName, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(podNamespace);
        ArgumentException.ThrowIfNullOrEmpty(podName);
        try
        {
            return PodJsonReader.Read(await connection.CallAsync(HttpMethod.Get, PodPath.Of(podNamespace, podName), null, s_getRule, cancellationToken), dialects: dialects);
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new KubernetesApiException($"the API server's answer for pod {podNamespace}/{podName} cannot be read: {e.Message}", innerException: e);
        }
    }

    /// <summary>
    /// A POST whose answer was lost may still land. What is certain: once the pod shows a node, or is gone, nothing more happens.
    /// While it shows none, a second POST settles it, since only one of the two can succeed.
    /// </summary>
    private async Task<BindOutcome> BindAsync(Bind bind, CancellationToken cancellationToken)
    {
        var first = await PostAsync(bind, cancellationToken);
        switch (first.Answer)
        {
            case Answer.Bound:
                return BindOutcome.Bound;
            case Answer.Refused:
                return BindOutcome.Rejected(first.Message);
            case Answer.Conflict:
                return (await LookAsync(bind, cancellationToken)) switch
                {
                    { Known: { } known } => known,
                    { Failed: { } why } => BindOutcome.Unknown($"{first.Message}; and then {why}"),
                    _ => BindOutcome.Rejected(first.Message),
                };
            default:
                break;
        }

        Log.BindOutcomeUnknown(logger, bind.PodNamespace, bind.PodName, bind.Node, first.Message);
        var look = await LookAsync(bind, cancellationToken);
        if (look.Known is { } settled)
        {
            return settled;
        }

        if (look.Failed is { } failed)
        {
            return BindOutcome.Unknown($"{first.Message}; and then {failed}");
        }

        var second = await PostAsync(bind, cancellationToken);
        if (second.Answer == Answer.Bound)
        {
            return BindOutcome.Bound;
        }

        look = await LookAsync(bind, cancellationToken);
        return look.Known ?? (second.Answer == Answer.Conflict && look.Failed is null
            ? BindOutcome.Rejected(second.Message)
            : BindOutcome.Unknown($"{first.Message}; tried again: {second.Message}"));
    }

    private async Task<(Answer Answer, string Message)> PostAsync(Bind bind, CancellationToken cancellationToken)
    {
        try
        {
            await connection.CallAsync(HttpMethod.Post, $"{PodPath.Of(bind.PodNamespace, bind.PodName)}/binding", bind.Body, s_bindRule, cancellationToken);
            return (Answer.Bound, "");
        }
        catch (KubernetesApiException e)
        {
            var answer = e.Status switch
            {
                HttpStatusCode.Conflict => Answer.Conflict,
                HttpStatusCode.RequestTimeout => Answer.Lost,
                { } status when (int)status is >= 400 and < 500 => Answer.Refused,
                null when e.NeverSent => Answer.Refused,
                _ => Answer.Lost,
            };
            return (answer, e.Message);
        }
    }

    /// <summary>What the API server has of the pod: a final outcome, or neither when the pod is still without a node.</summary>
    private async Task<(BindOutcome? Known, string? Failed)> LookAsync(Bind bind, CancellationToken cancellationToken)
    {
        try
        {
            var pod = await GetPodAsync(bind.PodNamespace, bind.PodName, cancellationToken);
            if (pod is null)
            {
                return (BindOutcome.Rejected("pod is gone"), null);
            }

            if (pod.Uid != bind.PodUid)
            {
                return (BindOutcome.Rejected("pod was recreated"), null);
            }

            if (pod.NodeName is null)
            {
                return (null, null);
            }

            if (pod.NodeName != bind.Node)
            {
                return (BindOutcome.Rejected($"pod is already bound to node {pod.NodeName}"), null);
            }

            return bind.Devices.Devices.IsEmpty || bind.Devices.Equals(pod.Assignment)
                ? (BindOutcome.Bound, null)
                : (BindOutcome.Rejected($"pod is already bound to node {pod.NodeName}, and not with these devices"), null);
        }
        catch (KubernetesApiException e)
        {
            return (null, e.Message);
        }
    }

    private static ReadOnlyMemory<byte> Write(string podNamespace, string podName, string podUid, string node, DeviceAssignment devices, PluginContract contract)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        json.WriteString("apiVersion"u8, "v1"u8);
        json.WriteString("kind"u8, "Binding"u8);
        json.WriteStartObject("metadata"u8);
        json.WriteString("name"u8, podName);
        json.WriteString("namespace"u8, podNamespace);
        json.WriteString("uid"u8, podUid);
        if (!devices.Devices.IsEmpty)
        {
            json.WriteStartObject("annotations"u8);
            json.WriteString(GpuAnnotations.AssignedDevices, devices.ToAnnotation());
            if (devices.ToVisibleDevices() is { } visible)
            {
                json.WriteString(GpuAnnotations.VisibleDevices, visible);
            }

            foreach (var (name, value) in contract.Annotations)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteStartObject("target"u8);
        json.WriteString("apiVersion"u8, "v1"u8);
        json.WriteString("kind"u8, "Node"u8);
        json.WriteString("name"u8, node);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return body.WrittenMemory;
    }

    private enum Answer
    {
        Bound,
        Conflict,
        Refused,
        Lost,
    }

    private sealed record Bind(string PodNamespace, string PodName, string PodUid, string Node, DeviceAssignment Devices, ReadOnlyMemory<byte> Body);
}
