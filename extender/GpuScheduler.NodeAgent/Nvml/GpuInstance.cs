namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>A GPU instance of MIG (nvmlGpuInstanceInfo_t).</summary>
/// <param name="Id">Its id on the GPU.</param>
/// <param name="Profile">Id of its profile: the id that the profile's table shows, not the number that is asked by.</param>
/// <param name="Start">First memory slice.</param>
/// <param name="Size">Number of memory slices.</param>
internal readonly record struct GpuInstance(uint Id, uint Profile, uint Start, uint Size);
