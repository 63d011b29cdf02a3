using System.Collections.Immutable;

namespace GpuScheduler.Core.Mig;

/// <summary>What a configuration says of some GPUs of a node.</summary>
/// <param name="DeviceIds">PCI device ids (0x20B510DE) of the products that it is for; empty for all.</param>
/// <param name="Gpus">Indices of the GPUs; null for all.</param>
/// <param name="IsEnabled">False for GPUs that are not in MIG mode, and handed out whole.</param>
/// <param name="Devices">MIG devices on each of the GPUs: profile as in the resource name (1g.10gb, 1g.10gb.me), and how many.</param>
public sealed record MigConfigPart(ImmutableArray<string> DeviceIds, ImmutableArray<int>? Gpus, bool IsEnabled, ImmutableArray<(string Profile, int Count)> Devices);
