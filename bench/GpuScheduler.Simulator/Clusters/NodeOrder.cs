namespace GpuScheduler.Simulator.Clusters;

/// <summary>Which node comes first where a policy sees no difference.</summary>
internal enum NodeOrder
{
    /// <summary>Random, drawn from the seed or taken from the replay: the published protocol.</summary>
    Random,

    /// <summary>As the cluster lists them.</summary>
    Given,

    /// <summary>Least CPU a GPU first.</summary>
    CpuPerGpuAscending,

    /// <summary>Most CPU a GPU first.</summary>
    CpuPerGpuDescending,

    /// <summary>Fewest GPUs first.</summary>
    SmallFirst,

    /// <summary>Most GPUs first.</summary>
    BigFirst,
}
