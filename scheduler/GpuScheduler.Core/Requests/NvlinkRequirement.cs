namespace GpuScheduler.Core.Requests;

/// <summary>What a pod asks of the links between its GPUs.</summary>
public enum NvlinkRequirement
{
    /// <summary>Nothing was said: the best linked set on whatever node is chosen, but links do not decide between nodes.</summary>
    Unspecified,

    /// <summary>The best linked set, and nodes with faster links first.</summary>
    Preferred,

    /// <summary>Only a set whose GPUs all reach each other over NVLinks inside the set.</summary>
    Required,

    /// <summary>The pod does not use NVLink: it gets the set that leaves the best links to others.</summary>
    None,
}
