namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>A profile of GPU instances.</summary>
/// <param name="Id">Its id, as in <see cref="GpuInstance.Profile"/>.</param>
/// <param name="Slices">Compute slices.</param>
/// <param name="MemoryMiB">Memory of an instance, in MiB.</param>
/// <param name="Name">Name that the driver gives it ("MIG 1g.10gb+me"); null from drivers that give none.</param>
internal readonly record struct GpuInstanceProfile(uint Id, uint Slices, ulong MemoryMiB, string? Name);
