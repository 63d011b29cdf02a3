using System.CommandLine;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Generation;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Commands;

/// <summary>The options that say which workloads.</summary>
internal sealed class WorkloadOptions(ClusterOptions cluster)
{
    /// <summary>GPUs of one pod at most when a job is split, for machines of eight: more than a node has would never start.</summary>
    private const int UsualGpusPerPod = 8;

    private readonly Option<string?> _traces = new("--traces") { Description = "Traces of --openb, separated by commas, or all. Default: default.", HelpName = "NAMES" };
    private readonly Option<string[]> _jobs = new("--jobs") { Description = "Traces with times: Philly, Muri, Sia or openb CSV, known by their columns. May be repeated.", HelpName = "FILE", DefaultValueFactory = _ => [] };
    private readonly Option<int?> _gpusPerPod = new("--gpus-per-pod") { Description = "Most GPUs of one pod: a job of --jobs that wants more is a gang of equal pods. Default: 8, or what the largest node has.", HelpName = "GPUS" };
    private readonly Option<string> _cpuPerGpu = new("--cpu-per-gpu") { Description = "CPU for each GPU of a job of --jobs that does not say.", HelpName = "CORES", DefaultValueFactory = _ => "0" };
    private readonly Option<int> _pods = new("--pods") { Description = "Pods to generate, or to pick with --arrivals poisson. Default: as many as ask for all GPUs, or as the trace has.", HelpName = "COUNT" };

    /// <summary>How long a pod runs that does not say.</summary>
    public Option<string> Duration { get; } = new("--duration") { Description = "How long pods run whose trace does not say.", HelpName = "TIME", DefaultValueFactory = _ => "1h" };

    /// <summary>Pods to generate or pick; 0 when not said.</summary>
    public int Count(ParseResult parsed) => parsed.GetValue(_pods) is >= 0 and var count ? count : throw new InputException("--pods may not be negative");

    /// <summary>True when all workloads are traces of jobs.</summary>
    public bool HasJobs(ParseResult parsed) => parsed.GetValue(_jobs)!.Length > 0 && parsed.GetValue(_traces) is null;

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)[_traces, _jobs, _gpusPerPod, _cpuPerGpu, Duration, _pods])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The workloads.</summary>
    public IReadOnlyList<Trace> Read(ParseResult parsed, ClusterFacts facts)
    {
        var (openb, names, jobs) = (parsed.GetValue(cluster.Openb), parsed.GetValue(_traces), parsed.GetValue(_jobs)!);
        if (names is not null && openb is null)
        {
            throw new InputException("--traces names traces of openb: say with --openb where they are");
        }

        var traces = new List<Trace>();
        if (openb is not null && (names is not null || jobs.Length == 0))
        {
            traces.AddRange(NamesOf(openb, names ?? "default").Select(n => ReadOpenb(openb, n)));
        }

        if (jobs.Length > 0)
        {
            var settings = JobSettings(parsed, facts);
            traces.AddRange(jobs.Select(j => JobTraces.Read(j, settings)));
        }

        if (traces.Count == 0)
        {
            traces.Add((cluster.IsSnapshot(parsed) ? SnapshotPods.Of(facts.Cluster) : null)
                ?? WorkloadGenerator.Generate(cluster.ReadScenario(parsed), facts, Count(parsed), parsed.GetValue(cluster.GeneratorSeed)));
        }

        return traces;
    }

    /// <summary>A trace by its name in openb's folder, or by its file.</summary>
    public Trace ReadOne(ParseResult parsed, string name, ClusterFacts facts) =>
        parsed.GetValue(cluster.Openb) is { } openb && File.Exists(OpenbPods.PathOf(openb, name)) ? ReadOpenb(openb, name)
        : File.Exists(name) ? JobTraces.Read(name, JobSettings(parsed, facts))
        : throw new InputException($"{name} is neither a trace of --openb nor a file");

    /// <summary>Names as given, or all that there are.</summary>
    public static IReadOnlyList<string> NamesOf(string openb, string names) => names == "all" ? OpenbPods.In(openb) : Spans.Parts(names);

    /// <summary>Reads a trace of openb.</summary>
    public static Trace ReadOpenb(string openb, string name)
    {
        var path = OpenbPods.PathOf(openb, name);
        return File.Exists(path) ? OpenbPods.Read(path, name) : throw new InputException($"there is no trace {name} in {openb}; there are {string.Join(", ", OpenbPods.In(openb))}");
    }

    private JobSettings JobSettings(ParseResult parsed, ClusterFacts facts)
    {
        var cpu = parsed.GetValue(_cpuPerGpu)!;
        var most = parsed.GetValue(_gpusPerPod) ?? Math.Clamp(facts.MostGpusOnANode, 1, UsualGpusPerPod);
        return new JobSettings
        {
            MostGpusPerPod = most is > 0 and <= InterconnectMatrix.MostGpus ? most : throw new InputException($"--gpus-per-pod {most}: from 1 to {InterconnectMatrix.MostGpus} is allowed"),
            CpuMilliPerGpu = Quantity.TryParseMilli(cpu, out var milli) ? milli : throw new InputException($"--cpu-per-gpu {cpu} is not a quantity of cores such as 8 or 500m"),
            DurationMs = Spans.Duration("--duration", parsed.GetValue(Duration)!),
        };
    }
}
