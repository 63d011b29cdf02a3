using CsCheck;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Tests.Gangs;

/// <summary>Words about gangs at random: every place that any dialect reads, with values that are right, wrong, or of another place.</summary>
internal static class Words
{
    private static readonly string[] s_values =
    [
        "a", "b", "a", "b", "1", "2", "3", "4", "0", "-1", "99999999999", "worker", "launcher", "rack", "spine", "30s", "5m", "none", "required", "",
        "mpi-operator", "pytorchjob-controller", "PyTorchJob", "[\"default/a\",\"default/b\"]", "[", "a:b", "x y",
    ];

    public static PodField[] Names { get; } = [.. Collect().Distinct()];

    public static Gen<string> Value { get; } = Gen.Frequency((9, Gen.Int[0, s_values.Length - 1].Select(i => s_values[i])), (1, Gen.String));

    /// <summary>What a pod says by which a dialect knows it, and some more that may go with it.</summary>
    public static Gen<(PodField, string)[]> Plausible { get; } =
        from dialect in Gen.Int[0, GangDialects.All.Length - 1].Select(i => GangDialects.All[i])
        from more in Gen.Int[0, 9].Array[0, 3]
        from number in Gen.Int[1, 4].Select(n => $"{n}")
        select Of(dialect, more, number);

    public static void Put(PodInfoBuilder builder, IEnumerable<(PodField Field, string Value)> words)
    {
        foreach (var (field, value) in words)
        {
            switch (field.Source)
            {
                case PodFieldSource.Label:
                    builder.AddLabel(field.Name, value);
                    break;
                case PodFieldSource.Annotation:
                    builder.AddAnnotation(field.Name, value);
                    break;
                case PodFieldSource.Spec:
                    builder.AddGroupReference(field.Name, value);
                    break;
                default:
                    builder.SetController(value);
                    break;
            }
        }
    }

    private static (PodField, string)[] Of(GangDialect dialect, int[] more, string number)
    {
        var words = new List<(PodField Field, string Value)> { (dialect.Group[0], "a") };
        words.AddRange(dialect.NeedsOneOf.Take(1).Select(f => (f, "1")));
        words.AddRange(dialect.NeedsValue.Take(1));
        words.AddRange(dialect.GroupParts.Select(f => (f, "1")));
        words.AddRange(dialect.Size.Concat(dialect.MinMembers).Select(f => (f, number)));
        foreach (var choice in more)
        {
            words.Add(choice switch
            {
                0 or 1 => (GangDialects.Common.Size[0], number),
                2 or 3 => (GangDialects.Common.MinMembers[0], "2"),
                4 => (GangDialects.Common.Timeout[0], "30s"),
                5 => (GangDialects.Topology.Required[0], "rack"),
                6 => (GangDialects.RoleTopology.Preferred[0], "rack"),
                7 => (GangDialects.Policy, "required"),
                _ => (GangDialects.Common.Role[0], number == "1" ? "launcher" : "worker"),
            });
        }

        return [.. words];
    }

    private static IEnumerable<PodField> Collect()
    {
        foreach (var dialect in GangDialects.All.Append(GangDialects.Common))
        {
            foreach (var field in dialect.Group.Concat(dialect.GroupParts).Concat(dialect.NeedsOneOf).Concat(dialect.NeedsValue.Select(n => n.Field))
                .Concat(dialect.Role).Concat(dialect.Index.SelectMany(i => i)).Concat(dialect.MinMembers).Concat(dialect.Size)
                .Concat(dialect.RoleMinMembers).Concat(dialect.Bundle).Concat(dialect.Timeout).Concat(dialect.ObjectUid))
            {
                yield return field;
            }
        }

        foreach (var topology in new[] { GangDialects.Topology, GangDialects.RoleTopology })
        {
            foreach (var field in topology.Required.Concat(topology.Preferred).Concat(topology.SegmentSize).Concat(topology.SegmentRequired).Concat(topology.SegmentPreferred))
            {
                yield return field;
            }
        }

        yield return GangDialects.Policy;
        yield return GangDialects.RoleTopologyIsShared;
    }
}
