using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Requests;

/// <summary>
/// What a pod asks of a node beside resources: node selector, required node affinity, tolerations. kube-scheduler judges all this before
/// it asks the extender, so that it only counts for pods that a scheduling gate keeps from kube-scheduler, and where it is not asked. Equal when
/// the same is asked.
/// </summary>
public sealed class NodeDemands : IEquatable<NodeDemands>
{
    private readonly ImmutableArray<ImmutableArray<NodeRequirement>> _terms;
    private readonly ImmutableArray<Toleration> _tolerations;
    private readonly string _text;

    /// <summary>Puts the demands together.</summary>
    /// <param name="selector">Conditions that all have to be met.</param>
    /// <param name="terms">Lists of conditions, one of which has to be met whole; empty for no such demand.</param>
    /// <param name="tolerations">Taints that the pod does not mind.</param>
    /// <param name="unjudged">What else is asked and is not known here, in words; null for nothing.</param>
    public NodeDemands(ImmutableArray<NodeRequirement> selector, ImmutableArray<ImmutableArray<NodeRequirement>> terms, ImmutableArray<Toleration> tolerations, string? unjudged = null)
    {
        _terms = terms.IsEmpty ? (selector.IsEmpty ? [] : [selector]) : [.. terms.Select(t => t.AddRange(selector))];
        _tolerations = tolerations;
        Unjudged = unjudged ?? _terms.SelectMany(t => t).Select(r => r.Key).Where(k => !NodeObject.KeepsLabel(k)).Select(k => $"label {k} of nodes").FirstOrDefault();
        _text = $"{string.Join(" or ", _terms.Select(t => string.Join(" and ", t)))}; {string.Join(", ", tolerations)}; {Unjudged}";
    }

    /// <summary>Lists of conditions, one of which has to be met whole; empty for none. The selector is part of each.</summary>
    public ImmutableArray<ImmutableArray<NodeRequirement>> Terms => _terms;

    /// <summary>Taints that the pod does not mind.</summary>
    public ImmutableArray<Toleration> Tolerations => _tolerations;

    /// <summary>
    /// What only kube-scheduler can judge, in words: other pods, volumes, labels that are not kept. Null when <see cref="Allows"/> says all
    /// there is to say.
    /// </summary>
    public string? Unjudged { get; }

    /// <summary>True when the pod may go to the node, as far as that can be judged here.</summary>
    public bool Allows(NodeFacts node)
    {
        ArgumentNullException.ThrowIfNull(node);
        foreach (var taint in node.Taints)
        {
            if (taint.Repels && !_tolerations.Any(t => t.Covers(taint)))
            {
                return false;
            }
        }

        return _terms.IsEmpty || _terms.Any(term => term.All(r => !NodeObject.KeepsLabel(r.Key) || r.IsMetBy(node.Labels.GetValueOrDefault(r.Key))));
    }

    /// <summary>As <see cref="Allows"/>; of a pod whose demands are not known it is only known that it tolerates what every pod does.</summary>
    public static bool Allow(NodeDemands? demands, NodeFacts node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return demands?.Allows(node) ?? !node.Taints.Any(t => t.Repels);
    }

    /// <inheritdoc/>
    public bool Equals(NodeDemands? other) => other is not null && _text == other._text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as NodeDemands);

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => _text;
}
