using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Framework;

/// <summary>A node that there is not, or not yet: what is to be believed of it, by its object alone, with nobody on it.</summary>
public sealed class TemplateNode
{
    private TemplateNode(NodeInfo? node, Status? fault) => (Node, Fault) = (node, fault);

    /// <summary>The node; null when its object cannot be understood.</summary>
    internal NodeInfo? Node { get; }

    /// <summary>Why it cannot be; null when it can.</summary>
    internal Status? Fault { get; }

    /// <summary>The node of an object.</summary>
    public static TemplateNode Of(NodeObject node) => new(NodeFactsBuilder.BuildTemplate(node).Empty, null);

    /// <summary>A node whose object cannot be understood.</summary>
    /// <param name="why">What is wrong with it.</param>
    public static TemplateNode Unreadable(string why) => new(null, Reasons.UnreadableNode.Because($"{Reasons.UnreadableNode.Reason}: {why}"));
}
