namespace GpuScheduler.Core.Cluster;

/// <summary>Where a fact about a node comes from, weakest first: a fact is taken from the strongest source that states it.</summary>
public enum FactSource
{
    /// <summary>Nothing said it; a safe value is assumed.</summary>
    Assumed,

    /// <summary>The built-in catalogue, by product.</summary>
    Catalogue,

    /// <summary>Derived from the node's allocatable resources.</summary>
    Allocatable,

    /// <summary>A label of GPU Feature Discovery.</summary>
    Label,

    /// <summary>The Device object of Koordinator.</summary>
    Koordinator,

    /// <summary>The node's annotations of HAMi.</summary>
    Hami,

    /// <summary>The ResourceSlices of NVIDIA's DRA driver.</summary>
    ResourceSlice,

    /// <summary>The node report (GpuNode).</summary>
    Report,
}
