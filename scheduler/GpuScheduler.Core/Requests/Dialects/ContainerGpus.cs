namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>What one container of a pod asks for in the words of HAMi or Volcano, as their device plugins are told it.</summary>
/// <param name="Count">GPUs; 0 for a container without.</param>
/// <param name="MemoryMiB">Memory on each, in MiB; 0 when <paramref name="MemoryPermille"/> says it.</param>
/// <param name="MemoryPermille">Memory on each, in thousandths of the GPU's.</param>
/// <param name="Cores">Compute on each, in percent; 0 for no limit.</param>
/// <param name="IsInit">True for an init container.</param>
/// <param name="Stays">True for an init container that keeps running (a sidecar).</param>
public readonly record struct ContainerGpus(int Count, int MemoryMiB, int MemoryPermille, int Cores, bool IsInit = false, bool Stays = false);
