using System.Collections.Immutable;
using System.Text.Json;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>Reads what a pod says of its gang, by the table of dialects.</summary>
internal static class GangReader
{
    /// <summary>More members than any cluster has places for; numbers above are mistakes.</summary>
    public const int MostMembers = 1_000_000;

    private const string Count = "a whole number from 1 to 1000000 is allowed";

    /// <summary>The membership; null for a pod that is placed by itself.</summary>
    /// <param name="namespace">The pod's namespace.</param>
    /// <param name="fields">What it says.</param>
    /// <param name="isOwned">True when it has a controller.</param>
    public static GangMembership? Read(string @namespace, GangFields fields, bool isOwned)
    {
        var reading = new Reading(fields);
        var policy = fields[GangDialects.Policy];
        if (policy is not (null or "required" or "none"))
        {
            reading.Fail(GangDialects.Policy, policy, "required or none is allowed");
        }

        var dialect = Choose(reading);
        if (dialect is null)
        {
            return policy is null && !IsOurs(fields) ? null : Nameless(@namespace, reading, policy);
        }

        if (policy == "none")
        {
            if (dialect.Tier == GangTier.Controller)
            {
                return null;
            }

            reading.Fail(GangDialects.Policy, policy, $"the pod names a gang ({Place(dialect, fields)}): remove one of them");
        }

        var name = reading.Name(dialect);
        var index = reading.Index(dialect);
        var role = fields.First(GangDialects.Common.Role) ?? fields.First(dialect.Role)
            ?? (dialect.RolesByIndex is var (first, others) ? index == 0 ? first : others : "");
        var isShared = role.Length == 0 || fields[GangDialects.RoleTopologyIsShared] is not null;
        var min = reading.Number(dialect.MinMembers, GangDialects.Common.MinMembers);
        var size = reading.Number(dialect.Size, GangDialects.Common.Size);
        var bundle = reading.Bundle(dialect, @namespace, name);
        return new GangMembership
        {
            Key = new GangKey(@namespace, dialect.Name, bundle ?? name),
            Role = bundle is null ? role : name,
            Index = index,
            MinMembers = bundle is null ? min : null,
            Size = bundle is null ? size : null,
            RoleMinMembers = bundle is null ? reading.Number(dialect.RoleMinMembers, GangDialects.Common.RoleMinMembers) : min ?? size,
            Timeout = reading.Duration(dialect.Timeout, GangDialects.Common.Timeout),
            Topology = reading.Topology(GangDialects.Topology, isShared ? GangDialects.RoleTopology : null),
            RoleTopology = isShared ? GangTopology.None : reading.Topology(GangDialects.RoleTopology, null),
            Object = bundle is null && dialect.ObjectKind is { } kind && fields.First(dialect.Group) is { } declared ? new GroupObjectId(kind, @namespace, declared) : null,
            ObjectUid = fields.First(dialect.ObjectUid),
            IsBundle = bundle is not null,
            IsOwned = isOwned,
            IsAsked = policy == "required",
            Invalid = reading.Problem,
        };
    }

    /// <summary>The first dialect that applies. Others of its tier must name the same group, except that controllers make each other's objects.</summary>
    private static GangDialect? Choose(Reading reading)
    {
        GangDialect? chosen = null;
        foreach (var dialect in GangDialects.All)
        {
            if (!Applies(dialect, reading.Fields))
            {
                continue;
            }

            if (chosen is null)
            {
                chosen = dialect;
            }
            else if (dialect.Tier != chosen.Tier || dialect.Tier == GangTier.Controller)
            {
                break;
            }
            else if (reading.Name(dialect) != reading.Name(chosen))
            {
                reading.Fail($"the pod names two gangs, by {Place(chosen, reading.Fields)} and by {Place(dialect, reading.Fields)}: keep one of them");
            }
        }

        return chosen;
    }

    private static bool Applies(GangDialect dialect, GangFields fields) =>
        fields.HasAny(dialect.Group)
        && (dialect.NeedsOneOf.IsEmpty || fields.HasAny(dialect.NeedsOneOf))
        && (dialect.NeedsValue.IsEmpty || dialect.NeedsValue.Any(n => fields[n.Field] == n.Value));

    /// <summary>True when the pod says of a gang what only we read, so that it means to be in one.</summary>
    private static bool IsOurs(GangFields fields)
    {
        var common = GangDialects.Common;
        return fields.HasAny(common.Role) || fields.HasAny(common.Index[0]) || fields.HasAny(common.MinMembers)
            || fields.HasAny(common.Size) || fields.HasAny(common.RoleMinMembers) || fields.HasAny(common.Timeout);
    }

    private static GangMembership? Nameless(string @namespace, Reading reading, string? policy)
    {
        if (policy == "none")
        {
            return null;
        }

        reading.Fail($"the pod speaks of its gang and does not name it: add annotation {GpuAnnotations.GangName}, or remove annotations {GpuAnnotations.Gang} and {GpuAnnotations.Gang}-*");
        return new GangMembership { Key = new GangKey(@namespace, GangDialects.OwnName, ""), Invalid = reading.Problem };
    }

    private static string Place(GangDialect dialect, GangFields fields)
    {
        var field = dialect.Group.First(f => fields[f] is not null);
        return $"{field} \"{fields[field]}\"";
    }

    /// <summary>Reads values, and keeps the first problem met.</summary>
    private sealed class Reading(GangFields fields)
    {
        public GangFields Fields => fields;

        public string? Problem { get; private set; }

        public void Fail(string problem) => Problem ??= problem;

        public void Fail(PodField field, string value, string allowed) => Fail(FieldValue.CannotBeUsed(field.ToString(), value, allowed));

        public string Name(GangDialect dialect)
        {
            var name = Text(dialect.Group, []) ?? "";
            if (name.Length > 253 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '_')))
            {
                Fail(dialect.Group.First(f => fields[f] is not null), name, "a name of at most 253 letters, digits, '-', '.' and '_' is allowed");
            }

            foreach (var part in dialect.GroupParts)
            {
                name = $"{name}:{fields[part]}";
            }

            return name;
        }

        /// <summary>One name for all groups that are only placed together; null when the pod's group stands by itself.</summary>
        public string? Bundle(GangDialect dialect, string @namespace, string name)
        {
            if (Find(dialect.Bundle, []) is not var (field, value))
            {
                return null;
            }

            const string Allowed = "a JSON list of strings of the form namespace/name is allowed, all in the pod's namespace and its own group among them";
            string[]? groups = null;
            try
            {
                groups = JsonSerializer.Deserialize<string[]>(value);
            }
            catch (JsonException)
            {
                // Said below.
            }

            var prefix = @namespace + "/";
            if (groups is null || !groups.Contains(prefix + name) || groups.Any(g => g is null || !g.StartsWith(prefix, StringComparison.Ordinal)))
            {
                Fail(field, value, Allowed);
                return null;
            }

            var names = groups.Select(g => g[prefix.Length..]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
            return names.Count == 1 ? null : string.Join(':', names);
        }

        /// <summary>The first value there is; others must be the same.</summary>
        public string? Text(ImmutableArray<PodField> those, ImmutableArray<PodField> others) => Find(those, others)?.Value;

        public int? Number(ImmutableArray<PodField> those, ImmutableArray<PodField> others)
        {
            if (Find(those, others) is not var (field, value))
            {
                return null;
            }

            if (FieldValue.TryInteger(value, 1, MostMembers, out var number))
            {
                return number;
            }

            Fail(field, value, Count);
            return null;
        }

        /// <summary>Our own word on the index goes before the dialect's, whose numbers are combined so that the first orders.</summary>
        public long? Index(GangDialect dialect)
        {
            long? index = null;
            foreach (var alternatives in fields.HasAny(GangDialects.Common.Index[0]) ? GangDialects.Common.Index : dialect.Index)
            {
                if (Find(alternatives, []) is not var (field, value))
                {
                    continue;
                }

                if (!FieldValue.TryInteger(value, 0, int.MaxValue, out var number))
                {
                    Fail(field, value, "a whole number from 0 on is allowed");
                    return null;
                }

                index = ((index ?? 0) << 31) + number;
            }

            return index;
        }

        public TimeSpan? Duration(ImmutableArray<PodField> those, ImmutableArray<PodField> others)
        {
            if (Find(those, others) is not var (field, value))
            {
                return null;
            }

            if (GoDuration.TryParse(value, out var duration))
            {
                return duration;
            }

            Fail(field, value, "a duration such as 90s, 10m or 1h30m is allowed");
            return null;
        }

        public GangTopology Topology(TopologyFields those, TopologyFields? others)
        {
            var required = Level(those.Required, others?.Required);
            var preferred = Level(those.Preferred, others?.Preferred);
            var segmentRequired = Level(those.SegmentRequired, others?.SegmentRequired);
            var segmentPreferred = Level(those.SegmentPreferred, others?.SegmentPreferred);
            var size = Number(those.SegmentSize, others?.SegmentSize ?? []) ?? 0;
            if (segmentRequired is null && segmentPreferred is null)
            {
                if (size > 0 && fields[PodField.Annotation(GpuAnnotations.GangSegmentSize)] is { } written)
                {
                    Fail(PodField.Annotation(GpuAnnotations.GangSegmentSize), written, $"it goes with {GpuAnnotations.GangSegmentRequiredTopology} or {GpuAnnotations.GangSegmentPreferredTopology}");
                }

                size = 0;
            }
            else if (size == 0)
            {
                Fail($"the pod asks for segments of its gang within one {segmentRequired ?? segmentPreferred} and does not say of how many members: add annotation {GpuAnnotations.GangSegmentSize}");
            }

            return required is null && preferred is null && size == 0
                ? GangTopology.None
                : new GangTopology { Required = required, Preferred = preferred, SegmentSize = size, SegmentRequired = segmentRequired, SegmentPreferred = segmentPreferred };
        }

        private TopologyLevel? Level(ImmutableArray<PodField> those, ImmutableArray<PodField>? others) =>
            Text(those, others ?? []) is { } key ? TopologyLevel.OfKey(key) : null;

        private (PodField Field, string Value)? Find(ImmutableArray<PodField> those, ImmutableArray<PodField> others)
        {
            (PodField Field, string Value)? found = null;
            foreach (var fieldsOfOne in (ReadOnlySpan<ImmutableArray<PodField>>)[those, others])
            {
                foreach (var field in fieldsOfOne)
                {
                    if (fields[field] is not { } value)
                    {
                        continue;
                    }

                    if (found is not { } first)
                    {
                        found = (field, value);
                    }
                    else if (first.Value != value)
                    {
                        Fail(field, value, $"{first.Field} says \"{first.Value}\": let them agree, or remove one of them");
                    }
                }
            }

            return found;
        }
    }
}
