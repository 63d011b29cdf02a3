using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>
/// Writes what comes from outside and what is decided into a file, from the start of a process on, so that <see cref="Replayer"/> can do it
/// again. It writes while decisions wait: for hunting a fault, not for every day.
/// </summary>
public sealed class Recorder : IClusterObserver, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Lock _turn = new();
    private DateTimeOffset _turnBegan;
    private readonly TimeProvider _time;
    private readonly long _most;
    private FileStream? _file;
    private string?[] _offered = [];

    /// <summary>Begins a recording; a file that is there is written anew.</summary>
    /// <param name="path">Where.</param>
    /// <param name="most">Most bytes; then the recording ends.</param>
    /// <param name="settings">How the engine is set up.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public Recorder(string path, long most, RecordedSettings settings, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        (_time, _most, Clock) = (time, most, new TurnClock(this, time));
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        Write(Step(RecordedStepKind.Start) with { Settings = settings });
    }

    /// <summary>Why it ended before its time; null while it goes on.</summary>
    public string? Ended { get; private set; }

    /// <summary>True on the thread whose turn it is (<see cref="Turn"/>).</summary>
    public bool IsTurn => _turn.IsHeldByCurrentThread;

    /// <summary>
    /// One decision after the other, while it is recorded: so that lines have the order in which decisions saw each other. Nothing is locked
    /// without a recorder.
    /// </summary>
    public static Lock.Scope Turn(Recorder? recorder)
    {
        if (recorder is null)
        {
            return default;
        }

        var scope = recorder._turn.EnterScope();
        recorder.Entered();
        return scope;
    }

    /// <summary>The clock for what is recorded: it stands still during a turn, so that a replay sees the same times.</summary>
    public TimeProvider Clock { get; }

    /// <inheritdoc/>
    public void Entered() => _turnBegan = _time.GetUtcNow();

    /// <inheritdoc/>
    public Lock? Turns => _turn;

    /// <summary>The same candidates on the cluster as it is now: what is replayed knows no older one.</summary>
    /// <param name="snapshot">The cluster on which their positions were looked up; receives the one as of now.</param>
    /// <param name="current">The cluster as of now.</param>
    /// <param name="candidates">Their positions, -1 for one that is not known.</param>
    public static ReadOnlySpan<int> Renew(scoped ref Snapshot snapshot, Snapshot current, ReadOnlySpan<int> candidates)
    {
        if (ReferenceEquals(snapshot, current))
        {
            return candidates;
        }

        var positions = new int[candidates.Length];
        for (var i = 0; i < positions.Length; i++)
        {
            positions[i] = candidates[i] >= 0 && snapshot.Nodes[candidates[i]] is { } node ? current.Index.Find(node.Facts.Name) : -1;
        }

        snapshot = current;
        return positions;
    }

    /// <inheritdoc/>
    public void Changing(ClusterChange change) => Write(Step(RecordedStepKind.Change) with { Change = change });

    /// <summary>The settings are about to change.</summary>
    public void Changing(RecordedSettings settings) => Write(Step(RecordedStepKind.Settings) with { Settings = settings });

    /// <inheritdoc/>
    public void GroupsChanging(GroupObjectChange change) => Write(Step(RecordedStepKind.GroupChange) with { GroupChange = change });

    /// <summary>The solver answered.</summary>
    public void Solved(RecordedAnswer answer) => Write(Step(RecordedStepKind.Solved) with { Solved = answer });

    /// <summary>Gangs were looked at.</summary>
    /// <param name="evictions">Most evictions that were asked for.</param>
    /// <param name="releases">Most releases.</param>
    /// <param name="wakes">Most wakes.</param>
    /// <param name="turn">What came of it.</param>
    public void Swept(int evictions, int releases, int wakes, GangTurn turn)
    {
        ArgumentNullException.ThrowIfNull(turn);
        if (!turn.IsIdle)
        {
            Write(Step(RecordedStepKind.Turn) with { Turn = new RecordedTurn(evictions, releases, wakes, turn.EndedBatch), Verdict = Verdicts.OfTurn(turn) });
        }
    }

    /// <summary>Nodes were filtered.</summary>
    public void Filtered(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, ReadOnlySpan<Status> statuses) =>
        Write(pod, RecordedStepKind.Filter, snapshot, candidates, Verdicts.OfFilter(statuses));

    /// <summary>Nodes were scored.</summary>
    public void Prioritized(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, ReadOnlySpan<int> scores) =>
        Write(pod, RecordedStepKind.Prioritize, snapshot, candidates, Verdicts.OfScores(snapshot, candidates, scores));

    /// <summary>Victims were chosen.</summary>
    public void Preempted(PodInfo pod, IReadOnlyList<PreemptionCandidate> candidates, IReadOnlyList<PreemptionCandidate> kept) =>
        Write(OfPod(pod, RecordedStepKind.Preempt) with { Candidates = candidates, Verdict = Verdicts.OfPreemption(kept) });

    /// <summary>A pod came to bind: devices were promised at once, or not, or it waits.</summary>
    public void Came(PodInfo pod, string node, Task<PromiseResult> promise)
    {
        ArgumentNullException.ThrowIfNull(promise);
        Write(promise.IsCompletedSuccessfully
            ? OfPod(pod, RecordedStepKind.Promise) with { Node = node, Verdict = Verdicts.OfPromise(promise.Result) }
            : OfPod(pod, RecordedStepKind.Arrive) with { Node = node });
    }

    /// <summary>Devices were promised to one that waited, or it was sent back.</summary>
    public void Answered(PodInfo pod, string node, PromiseResult promise)
    {
        // Not before the decision that told it is written.
        using (Turn(this))
        {
            Write(OfPod(pod, RecordedStepKind.Answered) with { Node = node, Verdict = Verdicts.OfPromise(promise) });
        }
    }

    /// <summary>A promised pod was bound.</summary>
    public void Committed(PodInfo pod) => Write(OfPod(pod, RecordedStepKind.Commit));

    /// <summary>A promised pod was not bound for certain.</summary>
    public void BindFailed(PodInfo pod) => Write(OfPod(pod, RecordedStepKind.BindFailed));

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    private RecordedStep Step(RecordedStepKind kind) => new() { At = Clock.GetUtcNow(), Kind = kind };

    private RecordedStep OfPod(PodInfo pod, RecordedStepKind kind) => Step(kind) with { Pod = pod };

    private void Write(PodInfo pod, RecordedStepKind kind, Snapshot snapshot, ReadOnlySpan<int> candidates, string verdict)
    {
        var names = new string?[candidates.Length];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = candidates[i] < 0 ? null : snapshot.Nodes[candidates[i]]?.Facts.Name;
        }

        lock (_gate)
        {
            var same = names.AsSpan().SequenceEqual(_offered);
            _offered = names;
            Write(OfPod(pod, kind) with { Offered = same ? null : names, Verdict = verdict });
        }
    }

    private void Write(RecordedStep step)
    {
        lock (_gate)
        {
            if (_file is null)
            {
                return;
            }

            try
            {
                var full = _file.Position > _most;
                _file.Write(JsonSerializer.SerializeToUtf8Bytes(full ? Step(RecordedStepKind.Full) : step, RecordingJson.Options));
                _file.Write("\n"u8);
                if (full)
                {
                    Ended = "it has reached its size";
                    _file.Dispose();
                    _file = null;
                }
                else if (step.Kind != RecordedStepKind.Change)
                {
                    _file.Flush();
                }
            }
            catch (IOException e)
            {
                Ended = e.Message;
                _file = null;
            }
        }
    }

    private sealed class TurnClock(Recorder recorder, TimeProvider time) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => time.LocalTimeZone;

        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => recorder.IsTurn ? recorder._turnBegan : time.GetUtcNow();

        public override long GetTimestamp() => time.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(callback, state, dueTime, period);
    }
}
