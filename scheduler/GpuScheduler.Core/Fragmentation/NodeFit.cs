using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Fragmentation;

/// <summary>What typical pods find on a node. Immutable.</summary>
internal sealed class NodeFit
{
    private readonly CardFit[] _cards;

    public NodeFit(TypicalPods typical, NodeInfo node)
    {
        Typical = typical;
        _cards = new CardFit[typical.Sizes];
        typical.Count(node.FreeCards, _cards);
        FragmentedMilli = typical.FragmentedMilli(node.Facts, node.FreeCpuMilli, node.FreeCardMilli, _cards);
    }

    /// <summary>The pods.</summary>
    public TypicalPods Typical { get; }

    /// <summary>See <see cref="TypicalPods.Count"/>.</summary>
    public ReadOnlySpan<CardFit> Cards => _cards;

    /// <summary>F of the node, in milli-GPU.</summary>
    public double FragmentedMilli { get; }
}
