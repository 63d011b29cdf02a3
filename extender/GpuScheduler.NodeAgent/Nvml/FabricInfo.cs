namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>What a GPU says of the NVLink fabric it belongs to.</summary>
/// <param name="Cluster">Cluster UUID.</param>
/// <param name="Clique">Clique id.</param>
/// <param name="IsComplete">True when it has registered, and without an error.</param>
internal readonly record struct FabricInfo(Guid Cluster, uint Clique, bool IsComplete);
