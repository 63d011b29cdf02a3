using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Mig;

/// <summary>
/// The life of changes of MIG layouts: it decides, closes the node, has the labels written, waits for mig-manager, and opens the node
/// again, or takes the change back. It does no I/O: <see cref="Tick"/> says what to write, <see cref="Written"/> hears what came of it.
/// One thread calls both; <see cref="View"/> may be read by any.
/// </summary>
/// <remarks>
/// Invariants.
/// (1) A node is asked to change only while nobody holds, or is about to get, any part of its GPUs, and nobody gets any before it ended.
/// (2) Only a node that is marked by its owner, and on which mig-manager is neither at work nor has failed, is changed: so "failed" that is
/// seen later is of this change. "success" may be an old one, and counts together with the devices that the node offers.
/// (3) Whatever somebody else asks for meanwhile wins, and is not touched.
/// (4) A change goes on in the next process from the labels alone.
/// </remarks>
public sealed class MigController
{
    private const int MostHistory = 50;
    private const int MostDoublings = 5;

    private readonly ClusterState _cluster;
    private readonly MigOptions _options;
    private readonly IMigSolver _solver;
    private readonly Func<PodInfo, bool> _isOurs;
    private readonly TimeProvider _time;
    private readonly SortedDictionary<string, Change> _changes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Pause> _pauses = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _waitingSince = new(StringComparer.Ordinal);
    private readonly List<MigNotice> _notices = [];
    private readonly List<PodInfo> _wakes = [];
    private readonly Queue<(DateTimeOffset At, MigNotice Notice)> _history = new();
    private DateTimeOffset _nextPlan;
    private MigClusterPlan? _lastPlan;
    private MigView _view = MigView.Empty;
    private int _passed;

    /// <summary>A controller.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="options">How layouts are changed.</param>
    /// <param name="solver">What finds the best plan.</param>
    /// <param name="isOurs">True for pods that a scheduler places of which this is a part. (Whether a filter here was asked says nothing: kube-scheduler does not ask when no node has the resource.)</param>
    public MigController(ClusterState cluster, MigOptions options, IMigSolver solver, Func<PodInfo, bool> isOurs)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(solver);
        ArgumentNullException.ThrowIfNull(isOurs);
        (_cluster, _options, _solver, _isOurs, _time) = (cluster, options, solver, isOurs, cluster.Time);
    }

    /// <summary>Where things stand.</summary>
    public MigView View => Volatile.Read(ref _view);

    /// <summary>Lets time pass, and returns what is to be written now. What is not known to be written is returned again.</summary>
    public IReadOnlyList<MigWrite> Tick()
    {
        var snapshot = _cluster.Current;
        Adopt(snapshot);
        foreach (var change in _changes.Values.ToList())
        {
            Advance(change, snapshot.Find(change.Node));
        }

        Plan();
        Publish(snapshot);
        return [.. _changes.Values.Select(WriteOf).OfType<MigWrite>()];
    }

    /// <summary>What became of a write of the last <see cref="Tick"/>.</summary>
    /// <param name="write">The write.</param>
    /// <param name="outcome">Its outcome.</param>
    /// <param name="why">Why it failed, in words.</param>
    public void Written(MigWrite write, MigWriteOutcome outcome, string why = "")
    {
        ArgumentNullException.ThrowIfNull(write);
        if (!_changes.TryGetValue(write.Node, out var change))
        {
            return;
        }

        switch (outcome)
        {
            case MigWriteOutcome.Gone:
                Drop(change, "the node is gone");
                break;
            case MigWriteOutcome.Changed when change.Phase != MigPhase.Ending:
                GiveUp(change, "somebody else changed its configuration");
                break;
            case MigWriteOutcome.Failed or MigWriteOutcome.Changed:
                change.Problem = why;
                break;
            default:
                change.Problem = change.Failure;
                switch (change.Phase)
                {
                    case MigPhase.Asking:
                        Enter(change, MigPhase.Changing);
                        break;
                    case MigPhase.AskingBack:
                        Enter(change, MigPhase.Restoring);
                        break;
                    case MigPhase.Ending:
                        // The marks are gone on the API; the node opens when that is seen here.
                        _cluster.Open(change.Node);
                        change.IsUnmarked = true;
                        break;
                    default:
                        break;
                }

                break;
        }
    }

    /// <summary>Pods that are to be looked at again, because a node was changed.</summary>
    public IReadOnlyList<PodInfo> TakeToWake() => Take(_wakes);

    /// <summary>What happened since this was called last.</summary>
    public IReadOnlyList<MigNotice> TakeNotices() => Take(_notices);

    private static List<T> Take<T>(List<T> list)
    {
        var taken = new List<T>(list);
        list.Clear();
        return taken;
    }

    /// <summary>Takes over what another process began.</summary>
    private void Adopt(Snapshot snapshot)
    {
        foreach (var node in snapshot.Nodes)
        {
            if (node?.Facts.Labels is { } labels && labels.TryGetValue(MigLabels.To, out var to) && !_changes.ContainsKey(node.Facts.Name))
            {
                var now = _time.GetUtcNow();
                var since = long.TryParse(labels.GetValueOrDefault(MigLabels.Since), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < now.ToUnixTimeSeconds()
                    ? DateTimeOffset.FromUnixTimeSeconds(seconds)
                    : now;
                _changes[node.Facts.Name] = new Change(node.Facts.Name, labels.GetValueOrDefault(MigLabels.From) is { Length: > 0 } from ? from : null, to, since)
                {
                    Phase = labels.GetValueOrDefault(MigLabels.Phase) == "restoring" ? MigPhase.Restoring : MigPhase.Changing,
                    PhaseSince = since,
                    HasSeenMarks = true,
                };
            }
        }
    }

    private void Advance(Change change, NodeInfo? node)
    {
        if (node is null)
        {
            Drop(change, "the node is gone");
            return;
        }

        var labels = node.Facts.Labels;
        var config = labels.GetValueOrDefault(MigLabels.Config);
        var state = labels.GetValueOrDefault(MigLabels.State);
        var isMarked = labels.ContainsKey(MigLabels.To);
        change.State = state;
        change.HasSeenMarks |= isMarked;
        var isLate = _time.GetUtcNow() - change.PhaseSince >= _options.Timeout;
        switch (change.Phase)
        {
            case MigPhase.Asking when isMarked:
                // Written after all: its answer was lost.
                Enter(change, MigPhase.Changing);
                break;
            case MigPhase.Asking when isLate:
                Say(change, MigNoticeKind.Failed, $"it could not be asked for: {change.Problem}");
                PauseAfterFailure(change, change.Problem);
                Enter(change, MigPhase.Ending);
                break;
            case MigPhase.Asking or MigPhase.AskingBack when node.Allocations.Any(a => a.UsesGpu):
                GiveUp(change, "a pod that was placed by others uses its GPUs");
                break;
            case MigPhase.Changing when change.HasSeenMarks && !isMarked:
                GiveUp(change, "somebody removed our labels");
                break;
            case MigPhase.Changing when change.HasSeenMarks && config != change.To:
                GiveUp(change, $"somebody else asked for {config ?? "no configuration"}");
                break;
            case MigPhase.Changing when change.HasSeenMarks && state == MigLabels.Failed:
                Fail(change, "mig-manager says that it failed");
                break;
            case MigPhase.Changing when change.HasSeenMarks && state == MigLabels.Success && IsDone(change, node.Facts):
                Say(change, MigNoticeKind.Changed, $"it has {change.To} after {(_time.GetUtcNow() - change.Since).TotalSeconds:0} s");
                _pauses.Remove("config " + change.To);
                _pauses["node " + change.Node] = new Pause(0, _time.GetUtcNow() + _options.Cooldown, "it was changed a while ago");
                change.HasSucceeded = true;
                Enter(change, MigPhase.Ending);
                break;
            case MigPhase.Changing when isLate:
                Fail(change, state == MigLabels.Success
                    ? $"mig-manager says that it succeeded, but after {_options.Timeout} the node does not offer the devices of {change.To}"
                    : $"it is not done after {_options.Timeout}: mig-manager's state is {state ?? "not set"}");
                break;
            case MigPhase.AskingBack when isLate:
                Say(change, MigNoticeKind.GivenUp, $"{change.From ?? "no configuration"} could not be asked for again: {change.Problem}");
                Enter(change, MigPhase.Ending);
                break;
            case MigPhase.AskingBack or MigPhase.Restoring when config != change.From && config != change.To:
                GiveUp(change, $"somebody else asked for {config ?? "no configuration"}");
                break;
            case MigPhase.Restoring when config != change.From && !isLate:
                // Not seen yet.
                break;
            case MigPhase.Restoring when state == MigLabels.Success || change.From is null:
                Say(change, MigNoticeKind.Restored, $"it has {change.From ?? "no configuration"} again");
                Enter(change, MigPhase.Ending);
                break;
            case MigPhase.Restoring when (state == MigLabels.Failed && change.HasSeenWork) || isLate:
                Say(change, MigNoticeKind.GivenUp, $"{change.From} could not be restored (mig-manager's state is {state ?? "not set"}): it is left as it is, and not changed again before the state is success");
                Enter(change, MigPhase.Ending);
                break;
            case MigPhase.Restoring:
                change.HasSeenWork |= state != MigLabels.Failed;
                break;
            case MigPhase.Ending when change.IsUnmarked && !isMarked:
                _changes.Remove(change.Node);
                if (change.HasSucceeded)
                {
                    _wakes.AddRange(Waiting().Where(MigPlanner.IsPlannedFor));
                }

                break;
            default:
                break;
        }
    }

    private void Fail(Change change, string why)
    {
        change.Failure = change.Problem = why;
        Say(change, MigNoticeKind.Failed, $"{why}; {(change.From is null ? "there was no configuration before" : $"{change.From} is asked for again")}");
        PauseAfterFailure(change, why);
        Enter(change, MigPhase.AskingBack);
    }

    private void GiveUp(Change change, string why)
    {
        Say(change, MigNoticeKind.GivenUp, $"{why}; it is left to them");
        _pauses["node " + change.Node] = new Pause(0, _time.GetUtcNow() + _options.Backoff, why);
        Enter(change, MigPhase.Ending);
    }

    private void Drop(Change change, string why)
    {
        Say(change, MigNoticeKind.GivenUp, why);
        _cluster.Open(change.Node);
        _changes.Remove(change.Node);
    }

    /// <summary>The node, and the configuration on any: what is wrong with it would go wrong on the next node as well.</summary>
    private void PauseAfterFailure(Change change, string why)
    {
        foreach (var key in new[] { "node " + change.Node, "config " + change.To })
        {
            var failures = _pauses.GetValueOrDefault(key)?.Failures ?? 0;
            _pauses[key] = new Pause(failures + 1, _time.GetUtcNow() + (_options.Backoff * (1 << Math.Min(failures, MostDoublings))), why);
        }
    }

    private void Enter(Change change, MigPhase phase) => (change.Phase, change.PhaseSince) = (phase, _time.GetUtcNow());

    private void Say(Change change, MigNoticeKind kind, string note)
    {
        var notice = new MigNotice(change.Node, kind, $"MIG layout {change.To}: {note}");
        _notices.Add(notice);
        _history.Enqueue((_time.GetUtcNow(), notice));
        if (_history.Count > MostHistory)
        {
            _history.Dequeue();
        }
    }

    private MigTarget? TargetOf(Change change, NodeFacts facts) =>
        _options.Configs.FirstOrDefault(c => c.Name == change.To) is { } config && config.TryApply(facts, out var target, out _) ? target : null;

    /// <summary>True when the node offers what was asked for. What a configuration is that is not known any more, mig-manager alone can say.</summary>
    private bool IsDone(Change change, NodeFacts facts) =>
        _options.Configs.All(c => c.Name != change.To) || TargetOf(change, facts)?.IsOfferedBy(facts) == true;

    private static MigWrite? WriteOf(Change change)
    {
        ImmutableSortedDictionary<string, string?> Labels(params (string Key, string? Value)[] labels) => labels.ToImmutableSortedDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal);
        return change.Phase switch
        {
            MigPhase.Asking => new MigWrite(change.Node, change.From, Labels(
                (MigLabels.Config, change.To),
                (MigLabels.To, change.To),
                (MigLabels.From, change.From ?? ""),
                (MigLabels.Phase, "changing"),
                (MigLabels.Since, change.Since.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)))),
            MigPhase.AskingBack => new MigWrite(change.Node, change.To, Labels(
                (MigLabels.Config, change.From),
                (MigLabels.Phase, "restoring"),
                (MigLabels.Since, change.PhaseSince.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)))),
            MigPhase.Ending when !change.IsUnmarked => new MigWrite(change.Node, null, Labels(
                (MigLabels.To, null),
                (MigLabels.From, null),
                (MigLabels.Phase, null),
                (MigLabels.Since, null)))
            { IsForAnyConfig = true },
            _ => null,
        };
    }

    /// <summary>The pods without a place that have asked for a MIG device, the most urgent and then the oldest first.</summary>
    private List<PodInfo> Waiting()
    {
        var now = _time.GetUtcNow();
        var waiting = new List<PodInfo>();
        foreach (var pod in _cluster.PodsWithoutPlace())
        {
            // One that holds something tentatively has just found a place.
            if (!pod.Request.Mig.IsEmpty && !_cluster.TryGetAllocation(pod.Uid, out _) && _isOurs(pod))
            {
                _waitingSince.TryAdd(pod.Uid, now);
                waiting.Add(pod);
            }
        }

        var present = waiting.Select(p => p.Uid).ToHashSet(StringComparer.Ordinal);
        foreach (var uid in _waitingSince.Keys.Where(u => !present.Contains(u)).ToList())
        {
            _waitingSince.Remove(uid);
        }

        waiting.RemoveAll(p => now - _waitingSince[p.Uid] < _options.MinWait);
        return [.. waiting.OrderByDescending(p => p.Priority).ThenBy(p => _waitingSince[p.Uid]).ThenBy(p => p.Uid, StringComparer.Ordinal)];
    }

    private void Plan()
    {
        var now = _time.GetUtcNow();
        if (now < _nextPlan)
        {
            return;
        }

        _nextPlan = now + _options.PlanInterval;
        var waiting = Waiting();
        _passed = waiting.Count(p => !MigPlanner.IsPlannedFor(p));
        var room = _options.MostAtOnce - _changes.Values.Count(c => c.Phase != MigPhase.Ending);
        if (room <= 0 || waiting.Count == _passed)
        {
            return;
        }

        var snapshot = _cluster.Current;
        var geometries = new HashSet<MigGeometry>(ReferenceEqualityComparer.Instance);
        foreach (var node in snapshot.Nodes)
        {
            if (node?.Facts.Model?.Mig is { } geometry)
            {
                geometries.Add(geometry);
            }
        }

        var planner = new MigPlanner(_options.Configs, waiting, geometries);
        foreach (var node in snapshot.Nodes)
        {
            if (node is null)
            {
                continue;
            }

            if (!_changes.TryGetValue(node.Facts.Name, out var change))
            {
                planner.Add(node, IsPaused("node " + node.Facts.Name, now) ? null : config => !IsPaused("config " + config.Name, now));
            }
            else if (change.Phase is MigPhase.Asking or MigPhase.Changing && TargetOf(change, node.Facts) is { } target)
            {
                planner.AddChanging(node, target);
            }
            else if (change.Phase == MigPhase.Ending)
            {
                // It opens in a moment; what it offers is there.
                planner.AddOpening(node);
            }
        }

        _lastPlan = planner.Solve(_solver, new SolveLimit(_time, _options.SolveLimit), room);
        foreach (var chosen in _lastPlan.Changes)
        {
            if (_cluster.TryClose(chosen.Node, Reasons.MigChanging.Because($"{Reasons.MigChanging.Reason} to {chosen.Config.Name}")))
            {
                var from = snapshot.Find(chosen.Node)!.Facts.Labels.GetValueOrDefault(MigLabels.Config);
                var change = new Change(chosen.Node, string.IsNullOrEmpty(from) ? null : from, chosen.Config.Name, now) { PhaseSince = now };
                _changes[chosen.Node] = change;
                Say(change, MigNoticeKind.Started, $"asked for in place of {change.From ?? "none"}, for {_lastPlan.Pods.Length} pods that wait ({_lastPlan.Plan.Proof})");
            }
        }
    }

    private bool IsPaused(string key, DateTimeOffset now) => _pauses.TryGetValue(key, out var pause) && now < pause.Until;

    private void Publish(Snapshot snapshot)
    {
        var now = _time.GetUtcNow();
        foreach (var key in _pauses.Where(p => p.Key.StartsWith("node ", StringComparison.Ordinal) && snapshot.Find(p.Key[5..]) is null).Select(p => p.Key).ToList())
        {
            _pauses.Remove(key);
        }

        Volatile.Write(ref _view, new MigView(
            [.. _changes.Values.Select(c => new MigChangeView(c.Node, c.From, c.To, c.Phase, c.Since, c.State, c.Problem))],
            _pauses.Where(p => now < p.Value.Until).ToImmutableSortedDictionary(p => p.Key, p => (p.Value.Until, p.Value.Why), StringComparer.Ordinal),
            _waitingSince.Count,
            _passed,
            _lastPlan,
            [.. _history]));
    }

    private sealed record Pause(int Failures, DateTimeOffset Until, string Why);

    private sealed class Change(string node, string? from, string to, DateTimeOffset began)
    {
        public string Node => node;

        public string? From => from;

        public string To => to;

        public DateTimeOffset Since { get; } = began;

        public MigPhase Phase { get; set; }

        public DateTimeOffset PhaseSince { get; set; } = began;

        /// <summary>True once the node has what was asked for.</summary>
        public bool HasSucceeded { get; set; }

        public bool HasSeenMarks { get; set; }

        /// <summary>True once mig-manager was seen to be at the restoration.</summary>
        public bool HasSeenWork { get; set; }

        public bool IsUnmarked { get; set; }

        public string? State { get; set; }

        public string Problem { get; set; } = "";

        public string Failure { get; set; } = "";
    }
}
