using System.Collections.Immutable;

namespace GpuScheduler.Core.Cluster;

/// <summary>What is known of a GPU model without asking the node.</summary>
/// <param name="Names">Product labels, the usual one first.</param>
/// <param name="MemoryMiB">Memory of a GPU, in MiB, as nvidia-smi shows it.</param>
/// <param name="Mig">Its MIG profiles; null when it has none.</param>
/// <param name="Machines">Interconnects of known machines, by number of GPUs.</param>
public sealed record GpuProduct(ImmutableArray<string> Names, int MemoryMiB, MigGeometry? Mig, ImmutableArray<InterconnectMatrix> Machines)
{
    /// <summary>Name shown to people.</summary>
    public string Name => Names[0];

    /// <summary>The interconnect of a known machine with so many of these GPUs; null when none is known.</summary>
    public InterconnectMatrix? MachineWith(int gpuCount)
    {
        foreach (var machine in Machines)
        {
            if (machine.GpuCount == gpuCount)
            {
                return machine;
            }
        }

        return null;
    }
}
