using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Groups;

/// <summary>Jobs of Kubeflow: replicas by type, and a minimum over all of them.</summary>
internal static class TrainingJobs
{
    /// <summary>PyTorchJob.</summary>
    public static GroupObject PyTorchJob(ObjectFields fields, GroupObject item) =>
        Replicas(fields, item, "pytorchReplicaSpecs", "Worker", fields.Count("spec", "elasticPolicy", "minReplicas"));

    /// <summary>MPIJob.</summary>
    public static GroupObject MpiJob(ObjectFields fields, GroupObject item) =>
        Replicas(fields, item, "mpiReplicaSpecs", "Worker", null) with
        {
            // The launcher is created only after the workers run.
            PartsInOrder = fields.Text("spec", "launcherCreationPolicy") == "WaitForWorkersReady",
        };

    /// <summary>Reads spec.runPolicy and the replica specs. What the minimum leaves out, it leaves out of the elastic type.</summary>
    private static GroupObject Replicas(ObjectFields fields, GroupObject item, string specs, string elastic, int? minElastic)
    {
        var sizes = fields.Keys("spec", specs).ToDictionary(type => type, type => fields.Count("spec", specs, type, "replicas") ?? 1, StringComparer.Ordinal);
        var size = sizes.Values.Sum(s => (long)s);
        if (size > int.MaxValue)
        {
            fields.Fail($"spec.{specs} has more than {int.MaxValue} replicas");
            return item;
        }

        var others = (int)size - sizes.GetValueOrDefault(elastic);
        var min = fields.Count("spec", "runPolicy", "schedulingPolicy", "minAvailable") ?? others + minElastic;
        var parts = ImmutableArray.CreateBuilder<PodGroupPart>();
        foreach (var (type, replicas) in sizes.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            var needed = min is null ? replicas : type == elastic ? Math.Max(min.Value - others, 0) : min.Value < others ? 0 : replicas;
            parts.Add(new PodGroupPart(Label(type), needed) { Size = replicas });
        }

        return item with
        {
            MinMembers = min,
            Size = (int)size,
            Parts = parts.ToImmutable(),
            Timeout = fields.Count("spec", "runPolicy", "schedulingPolicy", "scheduleTimeoutSeconds") is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : null,
            Succeeded = (int)Math.Min(size, fields.Keys("status", "replicaStatuses").Sum(type => (long)(fields.Count("status", "replicaStatuses", type, "succeeded") ?? 0))),
        };
    }

    /// <summary>A type as the label replica-type has it.</summary>
#pragma warning disable CA1308 // The operator lowers it.
    private static string Label(string type) => type.ToLowerInvariant();
#pragma warning restore CA1308
}
