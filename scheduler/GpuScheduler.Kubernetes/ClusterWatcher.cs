using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Kubernetes.Groups;
using GpuScheduler.Kubernetes.Sources;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Keeps a <see cref="ClusterState"/> as the API server has it: nodes, pods that have not ended, the reports of nodes on their GPUs,
/// what other stacks say of the GPUs, and the objects that declare groups of pods. All but nodes and pods are optional, each kind by
/// itself: what the API server does not have or does not show is asked for again at intervals.
/// </summary>
public sealed class ClusterWatcher
{
    private static readonly WatchedResource s_nodes = new("nodes", "api/v1/nodes");

    // A pod that ends leaves the selection, and so arrives as a deletion.
    private static readonly WatchedResource s_pods = new("pods", "api/v1/pods", FieldSelector: "status.phase!=Succeeded,status.phase!=Failed");

    private static readonly WatchedResource s_reports = new("gpunodes", "apis/gpuscheduler.io/v1/gpunodes", "gpuscheduler.io", MayBeAbsent: true);

    private readonly TimeProvider _time;
    private readonly Reflector<NodeObject> _nodes;
    private readonly Reflector<PodInfo> _pods;
    private readonly Reflector<ReportObject> _reports;
    private readonly Reflector<ResourceSlice> _slices;
    private readonly Reflector<SourceObject> _devices;
    private readonly ImmutableArray<Reflector<GroupObject>> _groups;

    /// <summary>Creates one; nothing happens before <see cref="RunAsync"/>.</summary>
    /// <param name="connection">The API server.</param>
    /// <param name="state">What to keep.</param>
    /// <param name="logger">Gets what goes wrong.</param>
    /// <param name="time">The clock, which must be that of the state; null for the system's.</param>
    /// <param name="dialects">The sharing dialects that are read in pods; null for all.</param>
    /// <param name="demands">True to read what all pending pods that want GPUs ask of nodes beside resources.</param>
    public ClusterWatcher(KubernetesConnection connection, ClusterState state, ILogger<ClusterWatcher> logger, TimeProvider? time = null, DialectSet? dialects = null, bool demands = false)
        : this(connection, state, logger, time, new ReflectorOptions(), dialects, demands)
    {
    }

    internal ClusterWatcher(KubernetesConnection connection, ClusterState state, ILogger<ClusterWatcher> logger, TimeProvider? time, ReflectorOptions options, DialectSet? dialects = null, bool demands = false)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(logger);
        _time = time ?? TimeProvider.System;
        _nodes = new Reflector<NodeObject>(connection, s_nodes, static json => NodeJsonReader.Read(json), new NodeSink(state, logger), options, _time, logger);
        _pods = new Reflector<PodInfo>(connection, s_pods, json => PodJsonReader.Read(json, dialects: dialects, demands: demands), new PodSink(state), options, _time, logger);
        _reports = new Reflector<ReportObject>(connection, s_reports, ReadReport, new ReportSink(state, logger), options, _time, logger);
        _slices = new Reflector<ResourceSlice>(connection, SourceResources.ResourceSlices, ResourceSliceReader.Read, new SliceSink(state, logger), options, _time, logger);
        _devices = new Reflector<SourceObject>(connection, SourceResources.KoordinatorDevices, KoordinatorDeviceReader.Read, new SourceSink(state, FactSource.Koordinator, logger), options, _time, logger);
        _groups =
        [
            .. GroupResources.All.Select(resource => new Reflector<GroupObject>(
                connection, resource.Watched, json => GroupObjectReader.Read(resource, json), new GroupSink(state, resource.Kind), options, _time, logger)),
        ];
    }

    /// <summary>True once everything has been listed completely, as far as it is there. It never becomes false again.</summary>
    public bool HasSynced => _nodes.HasSynced && _pods.HasSynced && _reports.HasSynced && _slices.HasSynced && _devices.HasSynced && _groups.All(g => g.HasSynced);

    /// <summary>How fresh each resource is.</summary>
    public ImmutableArray<WatchedAge> Ages => [AgeOf(_nodes), AgeOf(_pods), AgeOf(_reports), AgeOf(_slices), AgeOf(_devices), .. _groups.Select(AgeOf)];

    /// <summary>Watches until it is cancelled; ends with <see cref="OperationCanceledException"/>.</summary>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(
        [
            _nodes.RunAsync(cancellationToken),
            _pods.RunAsync(cancellationToken),
            _reports.RunAsync(cancellationToken),
            _slices.RunAsync(cancellationToken),
            _devices.RunAsync(cancellationToken),
            .. _groups.Select(g => g.RunAsync(cancellationToken)),
        ]);

    /// <summary>
    /// Lists all pods anew by a quorum read, and ends when the state has them: every bind that took effect before the call is known then.
    /// </summary>
    public Task ListPodsAnewAsync(CancellationToken cancellationToken) => _pods.ListAnewAsync(cancellationToken);

    private WatchedAge AgeOf<T>(Reflector<T> reflector) =>
        new(reflector.Resource, reflector.HasSynced, reflector.LastContact is { } contact ? _time.GetUtcNow() - contact : null);

    /// <summary>A report that is wrong must not be taken for one that is gone without a word, nor disturb the others.</summary>
    private static ReportObject ReadReport(ReadOnlySpan<byte> json)
    {
        try
        {
            var (node, report) = GpuNodeReader.Read(json);
            return new ReportObject(node, report, null);
        }
        catch (InvalidReportException e)
        {
            return new ReportObject(e.Node, null, e.Message);
        }
    }

    private sealed record ReportObject(string Node, NodeReport? Report, string? Invalid);

    private sealed class NodeSink(ClusterState state, ILogger logger) : IReflectorSink<NodeObject>
    {
        private readonly SourceWarnings _warnings = new(logger);

        public void Replace(IReadOnlyList<NodeObject> items, bool consistent, DateTimeOffset asked)
        {
            state.ReplaceNodes(items);
            foreach (var item in items)
            {
                _warnings.Say(item.Name, item.Statement);
            }
        }

        public void Upsert(NodeObject item)
        {
            state.UpsertNode(item);
            _warnings.Say(item.Name, item.Statement);
        }

        public void Delete(NodeObject item)
        {
            state.DeleteNode(item.Name);
            _warnings.Say(item.Name, null);
        }
    }

    private sealed class SourceSink(ClusterState state, FactSource source, ILogger logger) : IReflectorSink<SourceObject>
    {
        private readonly SourceWarnings _warnings = new(logger);

        public void Replace(IReadOnlyList<SourceObject> items, bool consistent, DateTimeOffset asked)
        {
            state.ReplaceStatements(source, items.ToDictionary(i => i.Node, i => i.Statement, StringComparer.Ordinal));
            foreach (var item in items)
            {
                _warnings.Say(item.Node, item.Statement);
            }
        }

        public void Upsert(SourceObject item)
        {
            state.UpsertStatement(item.Node, item.Statement);
            _warnings.Say(item.Node, item.Statement);
        }

        public void Delete(SourceObject item)
        {
            state.DeleteStatement(item.Node, source);
            _warnings.Say(item.Node, null);
        }
    }

    private sealed class SliceSink(ClusterState state, ILogger logger) : IReflectorSink<ResourceSlice>
    {
        private readonly ResourceSliceTable _table = new();
        private readonly SourceWarnings _warnings = new(logger);

        public void Replace(IReadOnlyList<ResourceSlice> items, bool consistent, DateTimeOffset asked)
        {
            _table.Replace(items);
            var statements = _table.Statements();
            state.ReplaceStatements(FactSource.ResourceSlice, statements);
            foreach (var (node, statement) in statements)
            {
                _warnings.Say(node, statement);
            }
        }

        public void Upsert(ResourceSlice item) => Tell(_table.Upsert(item));

        public void Delete(ResourceSlice item) => Tell(_table.Delete(item.Name));

        private void Tell(ImmutableArray<string> nodes)
        {
            foreach (var node in nodes)
            {
                var statement = _table.StatementOf(node);
                if (statement is null)
                {
                    state.DeleteStatement(node, FactSource.ResourceSlice);
                }
                else
                {
                    state.UpsertStatement(node, statement);
                }

                _warnings.Say(node, statement);
            }
        }
    }

    private sealed class PodSink(ClusterState state) : IReflectorSink<PodInfo>
    {
        public void Replace(IReadOnlyList<PodInfo> items, bool consistent, DateTimeOffset asked) => state.ReplacePods(items, consistent, asked);

        public void Upsert(PodInfo item) => state.UpsertPod(item);

        public void Delete(PodInfo item) => state.DeletePod(item.Uid);
    }

    private sealed class GroupSink(ClusterState state, string kind) : IReflectorSink<GroupObject>
    {
        public void Replace(IReadOnlyList<GroupObject> items, bool consistent, DateTimeOffset asked) => state.ReplaceGroupObjects(kind, items);

        public void Absent(DateTimeOffset asked) => state.ReplaceGroupObjects(kind, null);

        public void Upsert(GroupObject item) => state.UpsertGroupObject(item);

        public void Delete(GroupObject item) => state.DeleteGroupObject(item.Id);
    }

    private sealed class ReportSink(ClusterState state, ILogger logger) : IReflectorSink<ReportObject>
    {
        private readonly Dictionary<string, ImmutableHashSet<ReportFinding>> _said = new(StringComparer.Ordinal);

        public void Replace(IReadOnlyList<ReportObject> items, bool consistent, DateTimeOffset asked)
        {
            var reports = new Dictionary<string, NodeReport>(items.Count, StringComparer.Ordinal);
            foreach (var item in items)
            {
                if (item.Report is { } report)
                {
                    reports[item.Node] = report;
                }
                else
                {
                    Warn(item);
                }
            }

            state.ReplaceReports(reports);
            foreach (var node in reports.Keys)
            {
                SayFindings(node);
            }
        }

        public void Upsert(ReportObject item)
        {
            if (item.Report is { } report)
            {
                state.UpsertReport(item.Node, report);
                SayFindings(item.Node);
                return;
            }

            // The last good report is not kept: it says what is no longer so.
            Warn(item);
            state.DeleteReport(item.Node);
        }

        public void Delete(ReportObject item)
        {
            state.DeleteReport(item.Node);
            _said.Remove(item.Node);
        }

        /// <summary>Each once, for as long as it lasts.</summary>
        private void SayFindings(string node)
        {
            var findings = state.Findings(node).ToImmutableHashSet();
            foreach (var finding in findings.Except(_said.GetValueOrDefault(node) ?? []))
            {
                Log.ReportFinding(logger, node, finding.Pod, finding.Text);
            }

            if (findings.IsEmpty)
            {
                _said.Remove(node);
            }
            else
            {
                _said[node] = findings;
            }
        }

        private void Warn(ReportObject item)
        {
            ReflectorMetrics.Failed(s_reports.Name);
            Log.ReportInvalid(logger, item.Node, item.Invalid ?? "");
        }
    }
}
