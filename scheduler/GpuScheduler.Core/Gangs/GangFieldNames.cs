using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>The names of all labels and annotations that any dialect reads, so that a reader of pods need not make strings of others.</summary>
public static class GangFieldNames
{
    private static readonly FrozenSet<PodField> s_fields = Collect().ToFrozenSet();
    private static readonly Utf8Names s_labels = NamesOf(PodFieldSource.Label);
    private static readonly FrozenSet<string> s_controllers =
        GangDialects.All.SelectMany(d => d.NeedsValue).Where(n => n.Field == PodField.OwnerKind).Select(n => n.Value).ToFrozenSet(StringComparer.Ordinal);

    private static readonly Utf8Names s_annotations = NamesOf(PodFieldSource.Annotation);

    /// <summary>True when a label says something of a gang.</summary>
    /// <param name="utf8">Its name.</param>
    /// <param name="name">The same as a string, without making one.</param>
    public static bool IsLabel(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? name) => s_labels.TryFind(utf8, out name);

    /// <summary>True when an annotation says something of a gang.</summary>
    /// <param name="utf8">Its name.</param>
    /// <param name="name">The same as a string, without making one.</param>
    public static bool IsAnnotation(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? name) => s_annotations.TryFind(utf8, out name);

    /// <summary>True when a dialect knows its pods by this kind of controller.</summary>
    internal static bool IsController(string kind) => s_controllers.Contains(kind);

    internal static bool Has(PodField field) => s_fields.Contains(field);

    private static Utf8Names NamesOf(PodFieldSource source) => new(s_fields.Where(f => f.Source == source).Select(f => f.Name));

    private static IEnumerable<PodField> Collect()
    {
        foreach (var dialect in GangDialects.All.Append(GangDialects.Common))
        {
            ImmutableArray<PodField>[] fields =
            [
                dialect.Group, dialect.GroupParts, dialect.NeedsOneOf, [.. dialect.NeedsValue.Select(n => n.Field)], dialect.Role, .. dialect.Index,
                dialect.MinMembers, dialect.Size, dialect.RoleMinMembers, dialect.Bundle, dialect.Timeout, dialect.ObjectUid,
            ];
            foreach (var field in fields.SelectMany(f => f))
            {
                yield return field;
            }
        }

        foreach (var topology in new[] { GangDialects.Topology, GangDialects.RoleTopology })
        {
            ImmutableArray<PodField>[] fields = [topology.Required, topology.Preferred, topology.SegmentSize, topology.SegmentRequired, topology.SegmentPreferred];
            foreach (var field in fields.SelectMany(f => f))
            {
                yield return field;
            }
        }

        yield return GangDialects.RoleTopologyIsShared;
        yield return GangDialects.Policy;
    }
}
