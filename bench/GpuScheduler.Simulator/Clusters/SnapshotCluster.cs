using GpuScheduler.Kubernetes;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Clusters;

/// <summary>Reads a cluster as kubectl get nodes,pods -A -o json or yaml shows it.</summary>
internal static class SnapshotCluster
{
    /// <summary>Reads a file.</summary>
    public static ClusterModel Read(string path)
    {
        ClusterSnapshotContents contents;
        try
        {
            contents = SnapshotFile.Load(path);
        }
        catch (InvalidSnapshotException e)
        {
            throw new InputException(e.Message, e);
        }

        var names = contents.Nodes.Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        var alive = contents.Pods.Where(p => !p.IsTerminal).ToList();
        var bound = alive.Where(p => p.NodeName is { } node && names.Contains(node)).ToList();
        var invalid = alive.Count(p => p.Invalid is not null);
        return new ClusterModel
        {
            Name = Path.GetFileNameWithoutExtension(path),
            Source = $"snapshot {path}",
            File = path,
            Nodes = contents.Nodes,
            Reports = contents.Reports,
            Statements = contents.Statements,
            BoundPods = bound,
            PendingPods = [.. alive.Where(p => p.NodeName is null && p.Invalid is null)],
            Notes =
            [
                $"{bound.Count} pods of the snapshot run already and stay; taints, affinity and other rules of kube-scheduler are not simulated",
                .. invalid > 0 ? [$"{invalid} pods of the snapshot have requests that cannot be understood; they are left out"] : Array.Empty<string>(),
            ],
        };
    }
}
