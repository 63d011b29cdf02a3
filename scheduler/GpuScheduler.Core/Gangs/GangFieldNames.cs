using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace GpuScheduler.Core.Gangs;

/// <summary>The names of all labels and annotations that any dialect reads, so that a reader of pods need not make strings of others.</summary>
public static class GangFieldNames
{
    private static readonly FrozenSet<PodField> s_fields = Collect().ToFrozenSet();
    private static readonly FrozenSet<string> s_labels = NamesOf(PodFieldSource.Label);
    private static readonly FrozenSet<string> s_controllers =
        GangDialects.All.SelectMany(d => d.NeedsValue).Where(n => n.Field == PodField.OwnerKind).Select(n => n.Value).ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> s_annotations = NamesOf(PodFieldSource.Annotation);
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> s_labelsByChars = s_labels.GetAlternateLookup<ReadOnlySpan<char>>();
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> s_annotationsByChars = s_annotations.GetAlternateLookup<ReadOnlySpan<char>>();
    private static readonly int s_longest = s_labels.Concat(s_annotations).Max(n => n.Length);

    /// <summary>True when a label says something of a gang.</summary>
    /// <param name="utf8">Its name.</param>
    /// <param name="name">The same as a string, without making one.</param>
    public static bool IsLabel(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? name) => TryFind(s_labelsByChars, utf8, out name);

    /// <summary>True when an annotation says something of a gang.</summary>
    /// <param name="utf8">Its name.</param>
    /// <param name="name">The same as a string, without making one.</param>
    public static bool IsAnnotation(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? name) => TryFind(s_annotationsByChars, utf8, out name);

    /// <summary>True when a dialect knows its pods by this kind of controller.</summary>
    internal static bool IsController(string kind) => s_controllers.Contains(kind);

    internal static bool Has(PodField field) => s_fields.Contains(field);

    private static bool TryFind(FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> names, ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (utf8.Length > s_longest)
        {
            return false;
        }

        Span<char> chars = stackalloc char[utf8.Length];
        return Ascii.ToUtf16(utf8, chars, out _) == OperationStatus.Done && names.TryGetValue(chars, out name);
    }

    private static FrozenSet<string> NamesOf(PodFieldSource source) =>
        s_fields.Where(f => f.Source == source).Select(f => f.Name).ToFrozenSet(StringComparer.Ordinal);

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
