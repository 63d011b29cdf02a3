using System.Numerics;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Demand;

/// <summary>Nodes that can take the same pods when they are empty.</summary>
/// <param name="ProductId">The product.</param>
/// <param name="Cards">GPUs that can be handed out whole or shared.</param>
/// <param name="Cores">CPU, in cores, rounded down.</param>
/// <param name="MemoryGiB">Memory, in GiB, rounded down.</param>
internal readonly record struct NodeClass(int ProductId, int Cards, long Cores, long MemoryGiB)
{
    /// <summary>The class of a node.</summary>
    public static NodeClass Of(NodeFacts facts) =>
        new(facts.ProductId, BitOperations.PopCount(facts.WholeMask), facts.CpuMilli / 1000, facts.MemoryBytes >> 30);
}
