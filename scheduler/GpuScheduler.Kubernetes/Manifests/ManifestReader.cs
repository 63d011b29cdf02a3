using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Kubernetes.Groups;
using YamlDotNet.Core;

namespace GpuScheduler.Kubernetes.Manifests;

/// <summary>
/// Reads manifests as kubectl apply takes them, in YAML or JSON, several documents and Lists too, and makes the pods that the controllers of
/// their objects would make. The pods pass the same reader as those of the API server.
/// </summary>
public static class ManifestReader
{
    /// <summary>Most pods of one manifest.</summary>
    public const int MostPods = 4096;

    /// <summary>Reads a manifest.</summary>
    /// <param name="text">The text, whole.</param>
    /// <param name="namespace">Namespace of objects that name none.</param>
    /// <param name="dialects">The sharing dialects that are read in pods; null for all.</param>
    /// <exception cref="InvalidManifestException">It cannot be understood. The message says where and what to change.</exception>
    public static Manifest Read(string text, string @namespace, DialectSet? dialects = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        var draft = new Draft(@namespace, dialects);
        foreach (var item in ObjectsOf(text))
        {
            draft.Add(item);
        }

        return draft.Finish();
    }

    private static List<JsonObject> ObjectsOf(string text)
    {
        var objects = new List<JsonObject>();
        try
        {
            if (text.AsSpan().TrimStart("\uFEFF \t\r\n").StartsWith("{"))
            {
                AddItems(JsonNode.Parse(text.TrimStart('\uFEFF')) as JsonObject, objects);
                return objects;
            }

            var yaml = new YamlToJson(new Parser(new StringReader(text)));
            while (yaml.NextDocument())
            {
                if (yaml.ReadObject((item, _) => objects.Add(Parse(item.ToArray())), out var isList) is { } body && !isList)
                {
                    objects.Add(Parse(body));
                }
            }
        }
        catch (YamlException e)
        {
            throw new InvalidManifestException(string.Create(CultureInfo.InvariantCulture, $"line {e.Start.Line} is not YAML as kubectl takes it: {e.Message.TrimEnd('.')}"), e);
        }
        catch (InvalidOperationException e)
        {
            // What the YAML library says of text that ends within an object.
            throw new InvalidManifestException("it is not YAML as kubectl takes it: it ends within an object", e);
        }
        catch (ArgumentException e)
        {
            throw new InvalidManifestException($"a field is given twice: {e.Message}", e);
        }
        catch (JsonException e)
        {
            throw new InvalidManifestException(string.Create(CultureInfo.InvariantCulture, $"line {(e.LineNumber ?? 0) + 1} is not JSON: {e.Message.TrimEnd('.')}"), e);
        }

        return objects;
    }

    private static JsonObject Parse(ReadOnlyMemory<byte> json) =>
        JsonNode.Parse(json.Span) as JsonObject ?? throw new InvalidManifestException("an item of a List is no object: it must have apiVersion and kind");

    private static void AddItems(JsonObject? item, List<JsonObject> objects)
    {
        if (item?["items"] is JsonArray items)
        {
            foreach (var each in items)
            {
                AddItems(each as JsonObject, objects);
            }
        }
        else if (item is not null)
        {
            objects.Add(item);
        }
    }

    private sealed class Draft(string @namespace, DialectSet? dialects)
    {
        private readonly ImmutableArray<PodInfo>.Builder _pods = ImmutableArray.CreateBuilder<PodInfo>();
        private readonly List<GroupObject> _groups = [];
        private readonly List<string> _notes = [];
        private readonly HashSet<string> _uids = new(StringComparer.Ordinal);

        public void Add(JsonObject item)
        {
            var what = "an object";
            try
            {
                var kind = (string?)item["kind"] ?? "";
                if (kind.Length == 0)
                {
                    throw new InvalidManifestException("an object has no kind: give each apiVersion and kind");
                }

                var metadata = item["metadata"] as JsonObject ?? [];
                item["metadata"] = metadata;
                var name = (string?)metadata["name"] ?? ((string?)metadata["generateName"] is { Length: > 0 } prefix ? prefix + "x" : "");
                what = $"{kind} {name}";
                if (name.Length == 0)
                {
                    throw new InvalidManifestException($"a {kind} has no metadata.name: give it one");
                }

                metadata["name"] = name;
                metadata["namespace"] ??= @namespace;
                metadata["uid"] = $"what-if/{kind}/{metadata["namespace"]}/{name}";
                var apiVersion = (string?)item["apiVersion"] ?? "";
                var pods = PodTemplates.Expand(ObjectHeading.GroupOf(apiVersion), kind, item);
                var resource = GroupResources.Find(apiVersion, kind);
                if (pods is null && resource is null)
                {
                    _notes.Add($"{what} is not looked at: {(kind is "DaemonSet" ? "its pods do not wait for a place" : "it is of no kind that makes pods by a rule that is known here")}");
                    return;
                }

                if (resource is not null)
                {
                    _groups.Add(GroupObjectReader.Read(resource, JsonSerializer.SerializeToUtf8Bytes(item)));
                }

                foreach (var pod in pods ?? [])
                {
                    Add(pod, what);
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
            {
                throw new InvalidManifestException($"{what} cannot be read: {e.Message}", e);
            }
        }

        public Manifest Finish() => _pods.Count == 0
            ? throw new InvalidManifestException($"there is no pod in it: give pods, Jobs, JobSets, PyTorchJobs, MPIJobs, LeaderWorkerSets, Deployments or StatefulSets{string.Concat(_notes.Select(n => $"; {n}"))}")
            : new Manifest { Pods = _pods.ToImmutable(), GroupObjects = [.. _groups], Notes = [.. _notes.Distinct(StringComparer.Ordinal)] };

        private void Add(JsonObject json, string of)
        {
            if (_pods.Count == MostPods)
            {
                throw new InvalidManifestException($"the manifest makes more than {MostPods} pods: ask about fewer at once");
            }

            if (json["spec"] is JsonObject spec)
            {
                spec.Remove("nodeName");
                if (spec["priority"] is null && (string?)spec["priorityClassName"] is { Length: > 0 } priority)
                {
                    _notes.Add($"priorityClassName {priority} is not looked up: the pods of {of} count as priority 0");
                }
            }

            json.Remove("status");
            var pod = PodJsonReader.Read(JsonSerializer.SerializeToUtf8Bytes(json), dialects: dialects);
            if (!_uids.Add(pod.Uid))
            {
                throw new InvalidManifestException($"{of} is in it twice: leave one of them out");
            }

            if (pod.Invalid is { } invalid)
            {
                throw new InvalidManifestException($"{of}: {invalid}");
            }

            if (pod.Gang?.Invalid is { } wrong)
            {
                throw new InvalidManifestException($"{of}: {wrong}");
            }

            _pods.Add(pod);
        }
    }
}
