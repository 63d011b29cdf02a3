namespace GpuScheduler.Simulator.Report;

/// <summary>One workload on one cluster, under several policies.</summary>
internal sealed record ReportScenario
{
    /// <summary>Name of the trace or variant.</summary>
    public required string Name { get; init; }

    /// <summary>What it is, in a sentence; may be empty.</summary>
    public string Description { get; init; } = "";

    /// <summary>Nodes of the cluster.</summary>
    public int Nodes { get; init; }

    /// <summary>GPUs of the cluster. Turns a bound on the allocation into a number of idle GPUs.</summary>
    public int Gpus { get; init; }

    /// <summary>Arrived load at the end of a fill-up run, in % of the cluster's GPUs; openb's runs end at 130.</summary>
    public double EndLoadPercent { get; init; } = 130;

    /// <summary>Policies in the order in which they are drawn. Colours follow the id, the same in every scenario.</summary>
    public IReadOnlyList<ReportPolicy> Policies { get; init; } = [];

    /// <summary>What no placement can exceed, at one or several loads; may be empty.</summary>
    public IReadOnlyList<ReportBound> Bounds { get; init; } = [];
}
