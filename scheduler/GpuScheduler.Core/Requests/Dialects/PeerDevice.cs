namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>A device that another stack gave to a pod. Which of ours that is depends on the node.</summary>
/// <param name="Index">Index of the GPU, where the stack says that; else -1.</param>
/// <param name="Uuid">UUID of the GPU, where the stack says that.</param>
/// <param name="MemoryMiB">Memory share, in MiB.</param>
/// <param name="Units">Memory share, in the node's unit.</param>
/// <param name="Milli">Compute share, in milli-GPU.</param>
public readonly record struct PeerDevice(int Index, string? Uuid, int MemoryMiB, int Units, int Milli);
