using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>Manifests of every dialect, as their controllers create pods, and the groups that have to come of them.</summary>
public sealed class GangDialectTests : IDisposable
{
    private const string Node = "apiVersion: v1\nkind: Node\nmetadata: {name: n}\n";
    private const string Expect = "# expect: ";

    private readonly string _path = Path.GetTempFileName();

    public static TheoryData<string> Names => [.. Fixtures.GangNames];

    public void Dispose() => File.Delete(_path);

    [Theory]
    [MemberData(nameof(Names))]
    public void The_groups_of_a_manifest_are_those_that_its_comments_expect(string name)
    {
        var manifest = Fixtures.Gangs(name);
        var expected = manifest.Split('\n').Where(l => l.StartsWith(Expect, StringComparison.Ordinal)).Select(l => l[Expect.Length..]);

        File.WriteAllText(_path, Node + manifest);
        var state = new ClusterState(TimeProvider.System, new LedgerOptions());
        var contents = SnapshotFile.Load(_path);
        contents.ApplyTo(state);

        Assert.Empty(contents.Ignored);
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            state.Gangs.Select(k => Show(state.FindGroup(k)!)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_dialect_has_a_manifest()
    {
        var shown = Fixtures.GangNames.SelectMany(n => Fixtures.Gangs(n).Split('\n')).Where(l => l.StartsWith(Expect, StringComparison.Ordinal)).Select(l => l[Expect.Length..].Split(' ')[0]);
        Assert.Empty(GangDialects.Names.Except(shown));
    }

    private static string Show(PodGroup group)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{group.Key.Dialect} {group.Key} {group.Standing}");
        if (group.Standing != PodGroupStanding.Complete)
        {
            return $"{text} \"{group.Reason}\"";
        }

        text += string.Create(CultureInfo.InvariantCulture, $" needs={group.MinMembers} size={group.Size}");
        text += group.Priority == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" priority={group.Priority}");
        text += group.Timeout is { } timeout ? string.Create(CultureInfo.InvariantCulture, $" timeout={timeout.TotalSeconds}s") : "";
        text += group.Topology == GangTopology.None ? "" : $" topology={Show(group.Topology)}";
        text += group.Parts.IsEmpty ? "" : $" parts=[{string.Join(", ", group.Parts.Select(Show))}]";
        return $"{text} roles=[{string.Join(", ", group.Roles.Select(Show))}]";
    }

    private static string Show(PodGroupRole role) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(role.Part.Length == 0 ? "" : role.Part + " ")}{role.MinMembers}/{role.Members.Length} x {role.Request.WholeGpus} GPUs");

    private static string Show(PodGroupPart part) => string.Create(
        CultureInfo.InvariantCulture,
        $"{part.Name} {part.MinMembers}{(part.Size is { } size ? $"/{size}" : "")}{(part.Parent is { } parent ? $" in {parent}" : "")}{(part.Topology == GangTopology.None ? "" : " " + Show(part.Topology))}");

    private static string Show(GangTopology topology)
    {
        var levels = new List<string>();
        Add("required", topology.Required);
        Add("preferred", topology.Preferred);
        Add($"segments of {topology.SegmentSize} required", topology.SegmentRequired);
        Add($"segments of {topology.SegmentSize} preferred", topology.SegmentPreferred);
        return $"({string.Join(", ", levels)})";

        void Add(string what, TopologyLevel? level)
        {
            if (level is { } some)
            {
                levels.Add($"{what} {some}");
            }
        }
    }
}
