using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Reads pods. It is the one place that reads the JSON of a pod: scheduler calls, watches and snapshot files all pass here. What
/// the engine does not need is skipped without making a string of it.
/// </summary>
public static class PodJsonReader
{
    /// <summary>Reads a pod.</summary>
    /// <param name="utf8Pod">The pod's object, whole.</param>
    /// <param name="nameStandsForUid">True to give a pod without a UID "namespace/name" for one, as files stripped of it need.</param>
    /// <param name="dialects">The sharing dialects that are read; null for all.</param>
    /// <param name="demands">True to read what pending pods ask of nodes beside resources for all that want GPUs, not only where we place them ourselves.</param>
    /// <exception cref="JsonException">It is not JSON, not a pod, or has no UID. The message names the field.</exception>
    public static PodInfo Read(ReadOnlySpan<byte> utf8Pod, bool nameStandsForUid = false, DialectSet? dialects = null, bool demands = false)
    {
        var json = new Utf8JsonReader(utf8Pod);
        JsonFields.Advance(ref json, "the pod");
        var pod = Read(ref json, nameStandsForUid, dialects, demands);
        if (json.Read())
        {
            throw new JsonException("something follows the pod");
        }

        return pod;
    }

    /// <summary>Reads a pod within a larger text.</summary>
    /// <param name="json">Stands on the pod's StartObject, and afterwards on its EndObject. The whole pod must be in its buffer.</param>
    /// <param name="nameStandsForUid">True to give a pod without a UID "namespace/name" for one, as files stripped of it need.</param>
    /// <param name="dialects">The sharing dialects that are read; null for all.</param>
    /// <param name="demands">True to read what pending pods ask of nodes beside resources for all that want GPUs, not only where we place them ourselves.</param>
    /// <exception cref="JsonException">It is not JSON, not a pod, or has no UID. The message names the field.</exception>
    public static PodInfo Read(ref Utf8JsonReader json, bool nameStandsForUid = false, DialectSet? dialects = null, bool demands = false)
    {
        try
        {
            return ReadPod(ref json, nameStandsForUid, dialects, demands);
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode("pod", e);
        }
    }

    private static PodInfo ReadPod(ref Utf8JsonReader json, bool nameStandsForUid, DialectSet? dialects, bool demands)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            throw JsonFields.Wrong(ref json, "the pod", "an object");
        }

        var pod = new PodInfoBuilder(dialects);
        Utf8JsonReader spec = default;
        var hasSpec = false;
        while (JsonFields.NextField(ref json, "the pod"))
        {
            if (json.ValueTextEquals("metadata"u8))
            {
                ReadMetadata(ref json, pod);
            }
            else if (json.ValueTextEquals("spec"u8))
            {
                spec = json;
                hasSpec = true;
                ReadSpec(ref json, pod);
            }
            else if (json.ValueTextEquals("status"u8))
            {
                ReadStatus(ref json, pod);
            }
            else
            {
                JsonFields.Skip(ref json, "the pod");
            }
        }

        if (pod.Name.Length == 0)
        {
            throw new JsonException("metadata.name is missing");
        }

        if (pod.Uid.Length == 0)
        {
            pod.Uid = nameStandsForUid ? $"{pod.Namespace}/{pod.Name}" : throw new JsonException("metadata.uid is missing");
        }

        // Only pods of gangs are placed by us without being offered nodes: for most others this is not worth a second look.
        if (hasSpec && pod.MayBeInGang && string.IsNullOrEmpty(pod.NodeName))
        {
            pod.Demands = NodeDemandsReader.Read(ref spec, pod.PlannedNode);
        }

        var read = pod.Build();

        // Nodes are changed for pending pods with MIG devices, before any node can be offered.
        return hasSpec && read is { NodeName: null, Demands: null } && (!read.Request.Mig.IsEmpty || (demands && read.Request.WantsGpu))
            ? read with { Demands = NodeDemandsReader.Read(ref spec, read.PlannedNode) }
            : read;
    }

    private static void ReadMetadata(ref Utf8JsonReader json, PodInfoBuilder pod)
    {
        if (!JsonFields.EnterObject(ref json, "metadata"))
        {
            return;
        }

        while (JsonFields.NextField(ref json, "metadata"))
        {
            if (json.ValueTextEquals("name"u8))
            {
                pod.Name = JsonFields.Text(ref json, "metadata.name") ?? "";
            }
            else if (json.ValueTextEquals("namespace"u8))
            {
                pod.Namespace = JsonFields.PooledText(ref json, "metadata.namespace") is { Length: > 0 } ns ? ns : "default";
            }
            else if (json.ValueTextEquals("uid"u8))
            {
                pod.Uid = JsonFields.Text(ref json, "metadata.uid") ?? "";
            }
            else if (json.ValueTextEquals("labels"u8))
            {
                ReadWords(ref json, pod, areLabels: true);
            }
            else if (json.ValueTextEquals("annotations"u8))
            {
                ReadWords(ref json, pod, areLabels: false);
            }
            else if (json.ValueTextEquals("ownerReferences"u8))
            {
                ReadOwners(ref json, pod);
            }
            else if (json.ValueTextEquals("creationTimestamp"u8))
            {
                pod.Created = JsonFields.Time(ref json, "metadata.creationTimestamp");
            }
            else if (json.ValueTextEquals("deletionTimestamp"u8))
            {
                pod.IsTerminating = JsonFields.PooledText(ref json, "metadata.deletionTimestamp") is { Length: > 0 };
            }
            else
            {
                JsonFields.Skip(ref json, "metadata");
            }
        }
    }

    private static void ReadWords(ref Utf8JsonReader json, PodInfoBuilder pod, bool areLabels)
    {
        var field = areLabels ? "metadata.labels" : "metadata.annotations";
        if (!JsonFields.EnterObject(ref json, field))
        {
            return;
        }

        while (JsonFields.NextField(ref json, field))
        {
            // The names of others are as many as there are tools; they are not made strings of, and their values not looked at.
            if (!IsRead(ref json, areLabels, out var name))
            {
                JsonFields.Skip(ref json, field);
                continue;
            }

            JsonFields.Advance(ref json, field);
            switch (json.TokenType)
            {
                case JsonTokenType.String when areLabels:
                    pod.AddLabel(name, Utf8StringPool.Get(ref json));
                    break;
                case JsonTokenType.String:
                    pod.AddAnnotation(name, json.GetString() ?? "");
                    break;
                case JsonTokenType.Null:
                    break;
                default:
                    throw JsonFields.Wrong(ref json, $"{field}[{name}]", "a string (put it in quotes)");
            }
        }
    }

    /// <summary>True for an annotation of ours or of a sharing dialect, and for a label or annotation that says something of a gang.</summary>
    private static bool IsRead(ref Utf8JsonReader json, bool isLabel, [NotNullWhen(true)] out string? name)
    {
        // A name that is escaped or in pieces is no name of any of them written plainly, but may be one all the same.
        var utf8 = json.HasValueSequence || json.ValueIsEscaped ? Encoding.UTF8.GetBytes(json.GetString()!) : json.ValueSpan;
        if (isLabel)
        {
            return GangFieldNames.IsLabel(utf8, out name);
        }

        if (GangFieldNames.IsAnnotation(utf8, out name) || ShareDialects.IsAnnotation(utf8, out name))
        {
            return true;
        }

        // The constant is ASCII.
        const string Prefix = GpuAnnotations.Prefix;
        var isOurs = utf8.Length > Prefix.Length && Ascii.Equals(utf8[..Prefix.Length], Prefix);
        name = isOurs ? Utf8StringPool.Get(ref json) : null;
        return isOurs;
    }

    private static void ReadOwners(ref Utf8JsonReader json, PodInfoBuilder pod)
    {
        const string Field = "metadata.ownerReferences";
        if (!JsonFields.EnterArray(ref json, Field))
        {
            return;
        }

        while (JsonFields.NextElement(ref json, Field))
        {
            if (!JsonFields.IsObject(ref json, Field))
            {
                continue;
            }

            string? kind = null;
            var controls = false;
            while (JsonFields.NextField(ref json, Field))
            {
                if (json.ValueTextEquals("kind"u8))
                {
                    kind = JsonFields.PooledText(ref json, "metadata.ownerReferences[].kind");
                }
                else if (json.ValueTextEquals("controller"u8))
                {
                    controls = JsonFields.Flag(ref json, "metadata.ownerReferences[].controller");
                }
                else
                {
                    JsonFields.Skip(ref json, Field);
                }
            }

            if (controls && kind is not null)
            {
                pod.SetController(kind);
            }
        }
    }

    private static void ReadSpec(ref Utf8JsonReader json, PodInfoBuilder pod)
    {
        if (!JsonFields.EnterObject(ref json, "spec"))
        {
            return;
        }

        while (JsonFields.NextField(ref json, "spec"))
        {
            if (json.ValueTextEquals("containers"u8))
            {
                ReadContainers(ref json, pod, "spec.containers", areInit: false);
            }
            else if (json.ValueTextEquals("initContainers"u8))
            {
                ReadContainers(ref json, pod, "spec.initContainers", areInit: true);
            }
            else if (json.ValueTextEquals("nodeName"u8))
            {
                pod.NodeName = JsonFields.PooledText(ref json, "spec.nodeName");
            }
            else if (json.ValueTextEquals("schedulerName"u8))
            {
                pod.SchedulerName = JsonFields.PooledText(ref json, "spec.schedulerName") ?? "";
            }
            else if (json.ValueTextEquals("priority"u8))
            {
                pod.Priority = JsonFields.Number(ref json, "spec.priority") ?? 0;
            }
            else if (json.ValueTextEquals("preemptionPolicy"u8))
            {
                pod.PreemptionPolicy = JsonFields.PooledText(ref json, "spec.preemptionPolicy") ?? "";
            }
            else if (json.ValueTextEquals("schedulingGates"u8))
            {
                ReadGates(ref json, pod);
            }
            else if (json.ValueTextEquals("schedulingGroup"u8))
            {
                ReadGroupReference(ref json, pod, "schedulingGroup");
            }
            else if (json.ValueTextEquals("workloadRef"u8))
            {
                ReadGroupReference(ref json, pod, "workloadRef");
            }
            else if (json.ValueTextEquals("overhead"u8))
            {
                ContainerResources? overhead = null;
                ReadQuantities(ref json, ref overhead, "spec.overhead", areLimits: false);
                if (overhead is not null)
                {
                    pod.AddOverhead(overhead);
                }
            }
            else
            {
                JsonFields.Skip(ref json, "spec");
            }
        }
    }

    private static void ReadGates(ref Utf8JsonReader json, PodInfoBuilder pod)
    {
        const string Field = "spec.schedulingGates";
        if (!JsonFields.EnterArray(ref json, Field))
        {
            return;
        }

        while (JsonFields.NextElement(ref json, Field))
        {
            if (!JsonFields.IsObject(ref json, Field))
            {
                continue;
            }

            while (JsonFields.NextField(ref json, Field))
            {
                if (!json.ValueTextEquals("name"u8))
                {
                    JsonFields.Skip(ref json, Field);
                }
                else if (JsonFields.PooledText(ref json, "spec.schedulingGates[].name") is { Length: > 0 } gate)
                {
                    pod.AddSchedulingGate(gate);
                }
            }
        }
    }

    private static void ReadGroupReference(ref Utf8JsonReader json, PodInfoBuilder pod, string reference)
    {
        if (!JsonFields.EnterObject(ref json, reference))
        {
            return;
        }

        while (JsonFields.NextField(ref json, reference))
        {
            var path = $"{reference}.{Utf8StringPool.Get(ref json)}";
            if (!PodInfoBuilder.ReadsGroupReference(path))
            {
                JsonFields.Skip(ref json, reference);
            }
            else if (JsonFields.Text(ref json, "spec." + path) is { } name)
            {
                pod.AddGroupReference(path, name);
            }
        }
    }

    private static void ReadContainers(ref Utf8JsonReader json, PodInfoBuilder pod, string field, bool areInit)
    {
        if (!JsonFields.EnterArray(ref json, field))
        {
            return;
        }

        while (JsonFields.NextElement(ref json, field))
        {
            if (!JsonFields.IsObject(ref json, field))
            {
                continue;
            }

            ContainerResources? resources = null;
            var isSidecar = false;
            while (JsonFields.NextField(ref json, field))
            {
                if (json.ValueTextEquals("resources"u8))
                {
                    ReadResources(ref json, ref resources, areInit);
                }
                else if (areInit && json.ValueTextEquals("restartPolicy"u8))
                {
                    isSidecar = JsonFields.PooledText(ref json, "spec.initContainers[].restartPolicy") == "Always";
                }
                else
                {
                    JsonFields.Skip(ref json, field);
                }
            }

            if (areInit)
            {
                pod.AddInitContainer(resources, isSidecar);
            }
            else
            {
                pod.AddContainer(resources);
            }
        }
    }

    private static void ReadResources(ref Utf8JsonReader json, ref ContainerResources? resources, bool areInit)
    {
        var field = areInit ? "spec.initContainers[].resources" : "spec.containers[].resources";
        if (!JsonFields.EnterObject(ref json, field))
        {
            return;
        }

        while (JsonFields.NextField(ref json, field))
        {
            if (json.ValueTextEquals("requests"u8))
            {
                ReadQuantities(ref json, ref resources, areInit ? "spec.initContainers[].resources.requests" : "spec.containers[].resources.requests", areLimits: false);
            }
            else if (json.ValueTextEquals("limits"u8))
            {
                ReadQuantities(ref json, ref resources, areInit ? "spec.initContainers[].resources.limits" : "spec.containers[].resources.limits", areLimits: true);
            }
            else
            {
                JsonFields.Skip(ref json, field);
            }
        }
    }

    private static void ReadQuantities(ref Utf8JsonReader json, ref ContainerResources? resources, string field, bool areLimits)
    {
        if (!JsonFields.EnterObject(ref json, field))
        {
            return;
        }

        while (JsonFields.NextField(ref json, field))
        {
            var name = Utf8StringPool.Get(ref json);
            if (!ContainerResources.Counts(name))
            {
                JsonFields.Skip(ref json, field);
                continue;
            }

            if (JsonFields.QuantityText(ref json, field) is not { } quantity)
            {
                continue;
            }

            resources ??= new ContainerResources();
            if (areLimits)
            {
                resources.AddLimit(name, quantity);
            }
            else
            {
                resources.AddRequest(name, quantity);
            }
        }
    }

    private static void ReadStatus(ref Utf8JsonReader json, PodInfoBuilder pod)
    {
        if (!JsonFields.EnterObject(ref json, "status"))
        {
            return;
        }

        while (JsonFields.NextField(ref json, "status"))
        {
            if (json.ValueTextEquals("phase"u8))
            {
                pod.Phase = JsonFields.PooledText(ref json, "status.phase") ?? "";
            }
            else
            {
                JsonFields.Skip(ref json, "status");
            }
        }
    }
}
