using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>Says what of a source could not be used: each warning once, for as long as it lasts.</summary>
internal sealed class SourceWarnings(ILogger logger)
{
    private readonly Dictionary<string, ImmutableArray<string>> _said = new(StringComparer.Ordinal);

    /// <summary>What a source says of a node now; null when it is silent.</summary>
    public void Say(string node, NodeStatement? statement)
    {
        if (statement is null || statement.Warnings.IsEmpty)
        {
            _said.Remove(node);
            return;
        }

        foreach (var warning in statement.Warnings.Except(_said.GetValueOrDefault(node, []), StringComparer.Ordinal))
        {
            Log.SourceNotUsed(logger, node, warning);
        }

        _said[node] = statement.Warnings;
    }
}
