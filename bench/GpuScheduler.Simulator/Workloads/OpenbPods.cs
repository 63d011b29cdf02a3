using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>
/// Reads pod lists of the openb trace: name, cpu_milli, memory_mib, num_gpu, gpu_milli, and where the file has them gpu_spec, qos,
/// creation_time and deletion_time (seconds).
/// </summary>
internal static class OpenbPods
{
    private const string Prefix = "openb_pod_list_";

    /// <summary>The file of a trace.</summary>
    public static string PathOf(string folder, string trace) => Path.Combine(folder, $"{Prefix}{trace}.csv");

    /// <summary>The traces in a folder, by name.</summary>
    public static IReadOnlyList<string> In(string folder) => Directory.Exists(folder)
        ? [.. Directory.GetFiles(folder, Prefix + "*.csv").Select(f => Path.GetFileNameWithoutExtension(f)[Prefix.Length..]).Order(StringComparer.Ordinal)]
        : throw new InputException($"{folder} does not exist: --openb takes the folder with {Clusters.OpenbNodes.UsualFile} and {Prefix}*.csv");

    /// <summary>True when the columns are those of a pod list.</summary>
    public static bool Fits(CsvTable table) => table.Has("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli");

    /// <summary>Reads a list.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Name of the trace.</param>
    public static Trace Read(string path, string name)
    {
        using var table = CsvTable.Open(path, $"the pods of trace {name}");
        return Read(table, path, name);
    }

    /// <summary>Reads an open list.</summary>
    public static Trace Read(CsvTable table, string path, string name)
    {
        var columns = (Name: table.Column("name"), Cpu: table.Column("cpu_milli"), Memory: table.Column("memory_mib"), Gpus: table.Column("num_gpu"), Milli: table.Column("gpu_milli"));
        var spec = table.ColumnIfAny("gpu_spec");
        var (created, deleted) = (table.ColumnIfAny("creation_time"), table.ColumnIfAny("deletion_time"));
        var templates = new Dictionary<(long Cpu, long Memory, int Gpus, int Milli, string Spec), PodInfo>();
        var pods = new List<TracePod>();
        while (table.Next())
        {
            const long MiB = 1024 * 1024;
            var gpus = (int)table.Whole(columns.Gpus, 64);
            var milli = gpus == 0 ? 0 : (int)Math.Min(table.Whole(columns.Milli), SharePacking.WholeCard);
            if (gpus > 0 && milli == 0)
            {
                throw table.Wrong(columns.Milli, "a pod with GPUs needs a share of them, 1 to 1000");
            }

            var key = (table.Whole(columns.Cpu), table.Whole(columns.Memory), gpus, milli, gpus == 0 ? "" : table.Text(spec));
            if (!templates.TryGetValue(key, out var template))
            {
                templates[key] = template = TracePod.TemplateOf(RequestOf(key.gpus, key.milli, key.Item5), key.Item1, key.Item2 * MiB);
            }

            var (arrival, duration) = (TracePod.NoTime, TracePod.NoTime);
            if (created >= 0 && deleted >= 0)
            {
                arrival = table.Whole(created) * 1000;
                duration = (table.Whole(deleted) * 1000) - arrival;
                if (duration < 0)
                {
                    throw table.Wrong(deleted, "it may not come before creation_time");
                }
            }

            pods.Add(new TracePod(table.Text(columns.Name), template, arrival, duration));
        }

        return pods.Count > 0 ? new Trace(name, pods) { Source = $"pod list {path}", File = path } : throw new InputException($"{path} lists no pods");
    }

    private static GpuRequest RequestOf(int gpus, int milli, string spec)
    {
        if (gpus == 0)
        {
            return GpuRequest.None;
        }

        return milli >= SharePacking.WholeCard
            ? new GpuRequest { WholeGpus = gpus, Models = Models(spec) }
            : new GpuRequest { ShareCount = gpus, ShareMilli = milli, Models = Models(spec) };
    }

    private static System.Collections.Immutable.ImmutableArray<string> Models(string spec) => [.. spec.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
}
