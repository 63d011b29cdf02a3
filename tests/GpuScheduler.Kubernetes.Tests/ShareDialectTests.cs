using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>Pods and nodes of other GPU sharing stacks, what has to be understood of them, and what their device plugins have to read.</summary>
public sealed class ShareDialectTests : IDisposable
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000).AddTicks(1_234_567);

    private readonly string _path = Path.GetTempFileName();

    public static TheoryData<string> Names => [.. Fixtures.DialectNames];

    public void Dispose() => File.Delete(_path);

    [Theory]
    [MemberData(nameof(Names))]
    public void The_pods_of_a_manifest_are_what_its_comments_say(string name)
    {
        var contents = Load(name);
        Assert.Equal(
            Expected(name, "is "),
            contents.Pods.Where(p => p.NodeName is null).Select(p => $"{p.Name}: {p.Invalid ?? Show(p.Request)}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pods_that_another_stack_has_bound_hold_what_it_gave_them(string name)
    {
        // Each by itself: together they would not all fit.
        var contents = Load(name);
        Assert.Equal(Expected(name, "holds "), contents.Pods.Where(p => p.NodeName is not null).Select(p =>
        {
            var state = new ClusterState(TimeProvider.System, new LedgerOptions());
            (contents with { Pods = [p] }).ApplyTo(state);
            var node = state.Current.Find(p.NodeName!)!;
            Assert.False(node.HasConflict);
            return $"{p.Name}: {string.Join(' ', Assert.Single(node.Allocations).Devices.Devices.Select(d => d.IsWhole ? $"gpu {d.Gpu}" : $"gpu {d.Gpu} {d.MemoryMiB} MiB {d.Milli} milli"))}";
        }).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_written_for_a_device_plugin_is_what_the_comments_say(string name)
    {
        var contents = Load(name);
        Assert.All(Expected(name, "on "), line =>
        {
            var words = line.Split(' ', 3);
            var pod = contents.Pods.Single(p => p.Name == words[1].TrimEnd(':'));
            Assert.Equal(words[2], Contract(contents, pod, words[0], DialectSet.All));
            Assert.Equal("nothing", Contract(contents, pod, words[0], new DialectSet(ShareDialects.All, [])));
        });
    }

    [Fact]
    public void A_device_plugin_that_knows_GPUs_by_UUID_gets_no_pod_where_the_UUIDs_are_unknown()
    {
        File.WriteAllText(_path, Fixtures.Dialect("hami.yaml").Replace("uuid: GPU-1afede84-4e70-2174-49af-f07ebb94d1ae, ", "", StringComparison.Ordinal));
        var contents = SnapshotFile.Load(_path);
        var why = Contract(contents, contents.Pods.Single(p => p.Name == "share"), "a100", DialectSet.All);
        Assert.Equal("node a100 does not say the UUIDs of its GPUs, by which hami's device plugin knows them: run the node agent there, or have the plugin register them on the node", why);
    }

    private ClusterSnapshotContents Load(string name)
    {
        File.WriteAllText(_path, Fixtures.Dialect(name));
        var contents = SnapshotFile.Load(_path);
        Assert.Empty(contents.Ignored);
        return contents;
    }

    private static IEnumerable<string> Expected(string name, string what) =>
        Fixtures.Dialect(name).Split('\n').Where(l => l.StartsWith($"# {what}", StringComparison.Ordinal)).Select(l => l[(2 + what.Length)..]).Order(StringComparer.Ordinal);

    private static string Contract(ClusterSnapshotContents contents, PodInfo pod, string node, DialectSet dialects)
    {
        var state = new ClusterState(TimeProvider.System, new LedgerOptions());
        (contents with { Pods = [.. contents.Pods.Where(p => p.NodeName is null || p.Name == "old")] }).ApplyTo(state);
        if (contents.Nodes.Any(n => n.Allocatable.ContainsKey("nvidia.com/gpu")) || pod.Dialect == ShareDialects.Volcano)
        {
            state.DeletePod("old");
        }

        var promise = new SchedulingEngine(state, new EngineOptions()).Promise(pod, node);
        Assert.True(promise.IsGranted, promise.Refusal);
        var facts = state.Current.Find(node)!.Facts;
        return PluginContracts.Of(pod, facts, dialects) is not { } dialect ? "nothing"
            : !PluginContracts.TryWrite(dialect, pod, facts, promise.Allocation.Devices, s_now, out var contract, out var why) ? why
            : string.Join(' ', contract.Annotations.Select(a => $"{a.Key}={a.Value}")) + (contract.NeedsNodeLock ? " lock" : "");
    }

    private static string Show(GpuRequest request)
    {
        List<string> parts = [];
        void Add(string name, object value)
        {
            if (value is not (0 or "" or DevicePlugins.None))
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{name}={value}"));
            }
        }

        Add("whole", request.WholeGpus);
        Add("shares", request.ShareCount);
        Add("MiB", request.ShareMemoryMiB);
        Add("permille", request.ShareMemoryPermille);
        Add("units", request.ShareMemoryUnits);
        Add("milli", request.ShareMilli);
        Add("plugin", request.Plugin);
        Add("models", string.Join(',', request.Models));
        Add("avoids", string.Join(',', request.AvoidedModels));
        Add("uuids", string.Join(',', request.Uuids));
        Add("avoids", string.Join(',', request.AvoidedUuids));
        return string.Join(' ', parts);
    }
}
