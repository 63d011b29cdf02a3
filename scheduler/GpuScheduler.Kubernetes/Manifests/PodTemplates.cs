using System.Globalization;
using System.Text.Json.Nodes;

namespace GpuScheduler.Kubernetes.Manifests;

/// <summary>
/// The pods that controllers make of their objects, as far as the engine reads them: how many, from which template, and with which labels.
/// Sources: the Job controller (batch.kubernetes.io/ labels), JobSet v0.8, training-operator v1.8, mpi-operator v0.6, LeaderWorkerSet v0.6;
/// the recorded objects of the dialects' tests have the same labels.
/// </summary>
internal static class PodTemplates
{
    private const string JobLabels = "batch.kubernetes.io/";
    private const string JobSetLabels = "jobset.sigs.k8s.io/";
    private const string TrainingLabels = "training.kubeflow.org/";
    private const string LeaderWorkerSetLabels = "leaderworkerset.sigs.k8s.io/";

    /// <summary>The pods of an object; null for a kind that makes none by itself, or by a rule that is not known here.</summary>
    public static IEnumerable<JsonObject>? Expand(string group, string kind, JsonObject item) => (group, kind) switch
    {
        ("", "Pod") => [(JsonObject)item.DeepClone()],
        ("", "ReplicationController") or ("apps", "Deployment" or "ReplicaSet" or "StatefulSet") => Replicas(item, kind),
        ("batch", "Job") => Job(item, NameOf(item), At(item, "spec"), []),
        ("batch", "CronJob") => Job(item, NameOf(item), At(item, "spec", "jobTemplate", "spec"), []),
        ("jobset.x-k8s.io", "JobSet") => JobSet(item),
        ("kubeflow.org", "PyTorchJob") => Training(item, "pytorchReplicaSpecs", "pytorchjob-controller", kind),
        ("kubeflow.org", "MPIJob") => Training(item, "mpiReplicaSpecs", "mpi-operator", kind),
        ("leaderworkerset.x-k8s.io", "LeaderWorkerSet") => LeaderWorkerSet(item),
        _ => null,
    };

    private static IEnumerable<JsonObject> Replicas(JsonObject item, string kind) =>
        Numbers(Count(item, 1, "spec", "replicas")).Select(i => Pod(item, At(item, "spec", "template"), $"{NameOf(item)}-{i}", kind, []));

    private static IEnumerable<JsonObject> Job(JsonObject owner, string name, JsonObject? spec, Dictionary<string, string> labels)
    {
        var parallelism = Count(spec, 1, "parallelism");
        var indexed = (string?)spec?["completionMode"] == "Indexed";
        foreach (var i in Numbers(Math.Min(parallelism, Count(spec, parallelism, "completions"))))
        {
            var all = new Dictionary<string, string>(labels)
            {
                [JobLabels + "job-name"] = name,
                ["job-name"] = name,
                [JobLabels + "controller-uid"] = UidOf(owner),
            };
            if (indexed)
            {
                all[JobLabels + "job-completion-index"] = i;
            }

            yield return Pod(owner, At(spec, "template"), $"{name}-{i}", "Job", all);
        }
    }

    private static IEnumerable<JsonObject> JobSet(JsonObject item)
    {
        foreach (var job in (item["spec"]?["replicatedJobs"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var role = (string?)job["name"] ?? "";
            foreach (var i in Numbers(Count(job, 1, "replicas")))
            {
                var spec = (JsonObject?)At(job, "template", "spec")?.DeepClone() ?? [];

                // JobSet makes all its jobs Indexed unless they say otherwise.
                spec["completionMode"] ??= "Indexed";
                var labels = new Dictionary<string, string>
                {
                    [JobSetLabels + "jobset-name"] = NameOf(item),
                    [JobSetLabels + "jobset-uid"] = UidOf(item),
                    [JobSetLabels + "replicatedjob-name"] = role,
                    [JobSetLabels + "job-index"] = i,
                };
                foreach (var pod in Job(item, $"{NameOf(item)}-{role}-{i}", spec, labels))
                {
                    yield return pod;
                }
            }
        }
    }

    private static IEnumerable<JsonObject> Training(JsonObject item, string specs, string controller, string kind)
    {
        foreach (var (type, spec) in At(item, "spec", specs) ?? [])
        {
#pragma warning disable CA1308 // The operator lowers it.
            var role = type.ToLowerInvariant();
#pragma warning restore CA1308
            foreach (var i in Numbers(Count(spec as JsonObject, 1, "replicas")))
            {
                yield return Pod(item, At(spec as JsonObject, "template"), $"{NameOf(item)}-{role}-{i}", kind, new Dictionary<string, string>
                {
                    [TrainingLabels + "job-name"] = NameOf(item),
                    [TrainingLabels + "operator-name"] = controller,
                    [TrainingLabels + "replica-type"] = role,
                    [TrainingLabels + "replica-index"] = i,
                });
            }
        }
    }

    private static IEnumerable<JsonObject> LeaderWorkerSet(JsonObject item)
    {
        var template = At(item, "spec", "leaderWorkerTemplate");
        var size = Count(template, 1, "size");
        foreach (var group in Numbers(Count(item, 1, "spec", "replicas")))
        {
            foreach (var worker in Numbers(size))
            {
                var isLeader = worker == "0";
                var pod = Pod(item, (isLeader ? At(template, "leaderTemplate") : null) ?? At(template, "workerTemplate"), isLeader ? $"{NameOf(item)}-{group}" : $"{NameOf(item)}-{group}-{worker}", "StatefulSet", new Dictionary<string, string>
                {
                    [LeaderWorkerSetLabels + "name"] = NameOf(item),
                    [LeaderWorkerSetLabels + "group-index"] = group,
                    [LeaderWorkerSetLabels + "worker-index"] = worker,
                });
                var annotations = (JsonObject)pod["metadata"]!["annotations"]!;
                annotations[LeaderWorkerSetLabels + "size"] = size.ToString(CultureInfo.InvariantCulture);
                foreach (var (key, value) in At(item, "metadata", "annotations") ?? [])
                {
                    if (key.StartsWith(LeaderWorkerSetLabels, StringComparison.Ordinal))
                    {
                        annotations[key] ??= value?.DeepClone();
                    }
                }

                yield return pod;
            }
        }
    }

    private static JsonObject Pod(JsonObject owner, JsonObject? template, string name, string ownerKind, Dictionary<string, string> labels)
    {
        var metadata = (JsonObject?)At(template, "metadata")?.DeepClone() ?? [];
        metadata["name"] = name;
        metadata["namespace"] = owner["metadata"]!["namespace"]!.DeepClone();
        metadata["uid"] = $"{UidOf(owner)}/{name}";
        metadata["ownerReferences"] = new JsonArray(new JsonObject { ["kind"] = ownerKind, ["name"] = NameOf(owner), ["controller"] = true });
        metadata["annotations"] ??= new JsonObject();
        var all = metadata["labels"] as JsonObject ?? [];
        metadata["labels"] = all;
        foreach (var (key, value) in labels)
        {
            all[key] = value;
        }

        return new JsonObject { ["metadata"] = metadata, ["spec"] = At(template, "spec")?.DeepClone() ?? throw new InvalidManifestException($"{owner["kind"]} {NameOf(owner)} has no pod template with a spec where one belongs") };
    }

    private static IEnumerable<string> Numbers(int count) => Enumerable.Range(0, count).Select(i => i.ToString(CultureInfo.InvariantCulture));

    private static string NameOf(JsonObject item) => (string)item["metadata"]!["name"]!;

    private static string UidOf(JsonObject item) => (string)item["metadata"]!["uid"]!;

    private static JsonObject? At(JsonObject? from, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            from = from?[name] as JsonObject;
        }

        return from;
    }

    private static int Count(JsonObject? from, int absent, params ReadOnlySpan<string> path)
    {
        if (At(from, path[..^1])?[path[^1]] is not { } node)
        {
            return absent;
        }

        return node.GetValueKind() == System.Text.Json.JsonValueKind.Number && node.AsValue().TryGetValue(out int count) && count >= 0
            ? count
            : throw new InvalidManifestException($"{string.Join('.', path.ToArray())} is {node.ToJsonString()}: a whole number from 0 on is allowed");
    }
}
