using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Runs;

/// <summary>What is to be simulated: every trace with every policy, seed and load.</summary>
internal sealed record Experiment
{
    /// <summary>The cluster.</summary>
    public required ClusterFacts Cluster { get; init; }

    /// <summary>The workloads.</summary>
    public required IReadOnlyList<Trace> Traces { get; init; }

    /// <summary>Names of the policies.</summary>
    public required IReadOnlyList<string> Policies { get; init; }

    /// <summary>The seeds.</summary>
    public required IReadOnlyList<long> Seeds { get; init; }

    /// <summary>Fill-up or timed.</summary>
    public RunMode Mode { get; init; }

    /// <summary>Which node comes first where a policy sees no difference.</summary>
    public NodeOrder NodeOrder { get; init; }

    /// <summary>Where policies have their typical pods from.</summary>
    public TypicalFrom TypicalFrom { get; init; } = TypicalFrom.Trace;

    /// <summary>Folder with arrival orders; null to draw all.</summary>
    public string? Replay { get; init; }

    /// <summary>GPU load to arrive in fill-up mode, as a multiple of the cluster's GPUs.</summary>
    public double FillTo { get; init; } = 1.3;

    /// <summary>Offered loads in timed mode, in %; null stands for what a trace has.</summary>
    public IReadOnlyList<double?> Loads { get; init; } = [null];

    /// <summary>How arrivals are made in timed mode.</summary>
    public TimedSettings Timed { get; init; } = new();

    /// <summary>The cluster that the arrivals are made for, in number and density, where it is not the one simulated (see what-if).</summary>
    public ClusterFacts? LoadReference { get; init; }

    /// <summary>Record the nodes at the end of each policy's first run.</summary>
    public bool WithMaps { get; init; }

    /// <summary>The runs, in the order in which they are reported.</summary>
    public IReadOnlyList<RunKey> Runs() =>
    [
        .. from trace in Traces
           from load in Mode == RunMode.Timed ? Loads : [null]
           from policy in Policies
           from seed in Seeds
           select new RunKey(trace, policy, seed, load),
    ];
}
