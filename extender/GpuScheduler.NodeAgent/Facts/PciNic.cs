namespace GpuScheduler.NodeAgent.Facts;

/// <summary>A network card.</summary>
/// <param name="Name">RDMA device, or network interface where there is none.</param>
/// <param name="Place">Where it is.</param>
internal sealed record PciNic(string Name, PciPlace Place);
