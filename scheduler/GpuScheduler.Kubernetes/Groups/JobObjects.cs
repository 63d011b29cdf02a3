using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Groups;

/// <summary>Controllers of the batch working group.</summary>
internal static class JobObjects
{
    private const string ExclusiveTopology = "alpha.jobset.sigs.k8s.io/exclusive-topology";

    /// <summary>
    /// Job. By itself it makes a gang by the rule of Kubernetes' own Job controller where that makes PodGroups: it is Indexed, and all
    /// its indices run at once. Any other works through a list, for which each pod is as good as the next.
    /// </summary>
    public static GroupObject Job(ObjectFields fields, GroupObject item)
    {
        var parallelism = fields.Count("spec", "parallelism") ?? 1;
        var completions = fields.Count("spec", "completions");
        var left = (completions ?? parallelism) - (completions is null ? 0 : fields.Count("status", "succeeded") ?? 0);
        return item with
        {
            IsGang = fields.Text("spec", "completionMode") == "Indexed" && parallelism > 1 && completions == parallelism,
            Size = parallelism,
            Succeeded = Math.Max(0, parallelism - Math.Max(0, left)),
        };
    }

    /// <summary>JobSet, and through it TrainJob: all its jobs are one gang, unless some are started after others.</summary>
    public static GroupObject JobSet(ObjectFields fields, GroupObject item)
    {
        var parts = ImmutableArray.CreateBuilder<PodGroupPart>();
        var pods = new Dictionary<string, int>(StringComparer.Ordinal);
        var inOrder = fields.Text("spec", "startupPolicy", "startupPolicyOrder") == "InOrder";
        var size = 0L;
        foreach (var job in fields.List("spec", "replicatedJobs"))
        {
            if (job.Text("name") is not { } name)
            {
                job.Fail($"{job.Name("name")} is missing");
                continue;
            }

            var parallelism = job.Count("template", "spec", "parallelism") ?? 1;
            parallelism = Math.Min(parallelism, job.Count("template", "spec", "completions") ?? parallelism);
            var members = (long)parallelism * (job.Count("replicas") ?? 1);
            size += members;
            if (members > int.MaxValue || size > int.MaxValue)
            {
                job.Fail($"{job.Name("replicas")} times parallelism is more than {int.MaxValue}");
                break;
            }

            inOrder |= job.List("dependsOn").Count > 0;
            pods[name] = parallelism;
            var exclusive = job.Text("template", "metadata", "annotations", ExclusiveTopology) ?? fields.Text("metadata", "annotations", ExclusiveTopology);
            parts.Add(new PodGroupPart(name, (int)members)
            {
                Size = (int)members,
                Topology = exclusive is null || parallelism == 0
                    ? GangTopology.None
                    : new GangTopology { SegmentSize = parallelism, SegmentRequired = TopologyLevel.OfKey(exclusive) },
            });
        }

        return item with
        {
            Size = (int)size,
            Parts = parts.ToImmutable(),
            PartsInOrder = inOrder,
            Succeeded = (int)Math.Min(size, fields.List("status", "replicatedJobsStatus").Sum(s => (long)(s.Count("succeeded") ?? 0) * pods.GetValueOrDefault(s.Text("name") ?? ""))),
        };
    }

    /// <summary>LeaderWorkerSet. The size stands on its pods, since groups of two revisions may differ in it; what does not is the order.</summary>
    public static GroupObject LeaderWorkerSet(ObjectFields fields, GroupObject item)
    {
        if (fields.Text("spec", "startupPolicy") != "LeaderReady")
        {
            return item;
        }

        var size = fields.Count("spec", "leaderWorkerTemplate", "size") ?? 1;
        return item with { Parts = [new PodGroupPart("leader", 1), new PodGroupPart("worker", Math.Max(size - 1, 0))], PartsInOrder = true };
    }
}
