using System.CommandLine;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Policies;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Runs;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Commands;

/// <summary>The options that say how it is simulated.</summary>
internal sealed class RunOptions
{
    private readonly ClusterOptions _cluster;
    private readonly WorkloadOptions _workload;
    private readonly Option<string> _policies;
    private readonly Option<string> _seeds = new("--seeds") { Description = "Seeds: 42-44, or 42,45.", HelpName = "SEEDS", DefaultValueFactory = _ => "42-44" };
    private readonly Option<string?> _replay = new("--replay") { Description = "Folder with arrival orders TRACE_SEED.txt. Where it has none, the order is drawn, and the output says so.", HelpName = "DIR" };
    private readonly Option<string?> _mode = new("--mode") { Description = "fill: pods arrive, are placed or dropped, and never leave (the openb experiment). timed: they arrive at times, wait in a queue by priority, run and leave. Default: timed for --jobs, else fill.", HelpName = "MODE" };
    private readonly Option<string> _nodeOrder = new("--node-order") { Description = $"Which node comes first among equals: {string.Join(", ", NodeOrders.Names)}. The published experiment is random.", HelpName = "ORDER", DefaultValueFactory = _ => NodeOrders.NameOf(NodeOrder.Random) };
    private readonly Option<string> _typical = new("--typical-from") { Description = "Where policies have their typical pods from: trace (the trace itself, as FGD does), arrived (what has arrived so far), or another trace's name or file.", HelpName = "SOURCE", DefaultValueFactory = _ => TypicalFrom.Trace.Name };
    private readonly Option<double> _fill = new("--fill") { Description = "Fill-up: GPU load that arrives, in % of the cluster.", HelpName = "PERCENT", DefaultValueFactory = _ => 130 };
    private readonly Option<string?> _load = new("--load") { Description = "Timed: offered load in % of the cluster's GPU time, for example 60,80,100; the times between arrivals are stretched to it. Default: as the trace has it.", HelpName = "PERCENT" };
    private readonly Option<string?> _arrivals = new("--arrivals") { Description = "Timed: trace (its own times) or poisson (pods picked from it at random, at random times). Default: trace where it has times.", HelpName = "KIND" };
    private readonly Option<string?> _start = new("--start") { Description = "Timed: empty, or running: with as many pods running as the load has on average, the rest of their time random. Default: running with --load, else empty.", HelpName = "STATE" };
    private readonly Option<double> _warmUp = new("--warm-up") { Description = "Timed: first part of the time left out of the mean allocation, in %.", HelpName = "PERCENT", DefaultValueFactory = _ => 20 };
    private readonly Option<int> _threads = new("--threads") { Description = "Runs at a time. Results do not depend on it; times and memory do. Default: the number of cores.", HelpName = "COUNT", DefaultValueFactory = _ => Environment.ProcessorCount };

    /// <summary>The options.</summary>
    /// <param name="cluster">Which cluster.</param>
    /// <param name="workload">Which workloads.</param>
    /// <param name="policies">Policies when none are named.</param>
    public RunOptions(ClusterOptions cluster, WorkloadOptions workload, string policies)
    {
        _cluster = cluster;
        _workload = workload;
        _policies = new("--policies") { Description = $"Policies, separated by commas, or all: {string.Join(", ", PlacementPolicies.Names)}. default is the engine's own.", HelpName = "NAMES", DefaultValueFactory = _ => policies };
    }

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)[_policies, _seeds, _replay, _mode, _nodeOrder, _typical, _fill, _load, _arrivals, _start, _warmUp, _threads])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Runs at a time.</summary>
    public int Threads(ParseResult parsed) => parsed.GetValue(_threads) is > 0 and var threads ? threads : throw new InputException("--threads must be 1 or more");

    /// <summary>The experiment on a cluster.</summary>
    public Experiment Read(ParseResult parsed, ClusterFacts facts)
    {
        var names = parsed.GetValue(_policies)!;
        IReadOnlyList<string> policies = names == "all" ? PlacementPolicies.Names : [.. Spans.Parts(names).Distinct()];
        if (policies.Count == 0)
        {
            throw new InputException($"--policies is empty; there are {string.Join(", ", PlacementPolicies.Names)}");
        }

        Runner.CheckPolicies(policies);
        var seeds = Spans.Seeds(parsed.GetValue(_seeds)!);
        var order = NodeOrders.Parse(parsed.GetValue(_nodeOrder)!);
        var traces = _workload.Read(parsed, facts);
        var mode = parsed.GetValue(_mode) switch
        {
            null => _workload.HasJobs(parsed) && traces.All(t => t.HasArrivals) ? RunMode.Timed : RunMode.Fill,
            "fill" => RunMode.Fill,
            "timed" => RunMode.Timed,
            var other => throw new InputException($"--mode {other} is not known; there are fill and timed"),
        };
        if (mode == RunMode.Fill && (parsed.GetValue(_load) ?? parsed.GetValue(_arrivals) ?? parsed.GetValue(_start)) is not null)
        {
            throw new InputException("--load, --arrivals and --start go with --mode timed");
        }

        if (parsed.GetValue(_replay) is { } replay && !Directory.Exists(replay))
        {
            throw new InputException($"{replay} does not exist: --replay takes the folder with arrival orders TRACE_SEED.txt");
        }

        if (facts.Gpus == 0)
        {
            throw new InputException($"{facts.Cluster.Source}: the cluster has no usable GPU, so that there is nothing to simulate");
        }

        var typical = parsed.GetValue(_typical)!;
        return new Experiment
        {
            Cluster = facts,
            Policies = policies,
            Seeds = seeds,
            NodeOrder = order,
            Mode = mode,
            Traces = traces,
            Replay = parsed.GetValue(_replay),
            FillTo = parsed.GetValue(_fill) is > 0 and <= 10_000 and var fill ? fill / 100 : throw new InputException("--fill: a percentage above 0 and at most 10000 is allowed"),
            Loads = mode == RunMode.Timed && parsed.GetValue(_load) is { } loads ? [.. Spans.Percentages("--load", loads)] : [null],
            TypicalFrom = typical == TypicalFrom.Trace.Name ? TypicalFrom.Trace
                : typical == TypicalFrom.Arrived.Name ? TypicalFrom.Arrived
                : new TypicalFrom(typical, TypicalPods.Learn(_workload.ReadOne(parsed, typical, facts).Templates)),
            Timed = new TimedSettings
            {
                Poisson = parsed.GetValue(_arrivals) switch
                {
                    null => null,
                    "trace" => false,
                    "poisson" => true,
                    var other => throw new InputException($"--arrivals {other} is not known; there are trace and poisson"),
                },
                Stationary = parsed.GetValue(_start) switch
                {
                    null => null,
                    "empty" => false,
                    "running" => true,
                    var other => throw new InputException($"--start {other} is not known; there are empty and running"),
                },
                Count = _workload.Count(parsed),
                DurationMs = Spans.Duration("--duration", parsed.GetValue(_workload.Duration)!),
                WarmUp = parsed.GetValue(_warmUp) is >= 0 and < 100 and var warmUp ? warmUp / 100 : throw new InputException("--warm-up: a percentage of at least 0 and less than 100 is allowed"),
            },
        };
    }

    /// <summary>The cluster that the options say.</summary>
    public ClusterFacts ReadCluster(ParseResult parsed) => new(_cluster.Read(parsed));
}
