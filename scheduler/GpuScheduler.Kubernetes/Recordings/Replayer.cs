using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>Makes the decisions of a recording again, by the same engine, on a clock that shows the recorded times.</summary>
public static class Replayer
{
    /// <summary>Replays a file.</summary>
    /// <exception cref="InvalidSnapshotException">There is no such file, or it is no recording; the message says where and what to do.</exception>
    public static ReplayResult Replay(string path)
    {
        try
        {
            return Replay(path, File.ReadLines(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSnapshotException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static ReplayResult Replay(string path, IEnumerable<string> lines)
    {
        var (line, decisions, changes, full) = (0L, 0, 0, false);
        var solver = new RecordedSolver();
        var waiting = new Dictionary<string, Task<PromiseResult>>(StringComparer.Ordinal);   // by UID, those who wait at bind
        var differences = new List<ReplayDifference>();
        var clock = new Clock();
        SchedulingEngine? engine = null;
        IReadOnlyList<string?> offered = [];
        foreach (var text in lines)
        {
            line++;
            var step = Read(path, line, text);
            clock.Now = step.At;
            if (step.Kind == RecordedStepKind.Start && step.Settings is { } settings)
            {
                engine = new SchedulingEngine(new ClusterState(clock, settings.Holds), new EngineOptions { Profile = Profile.Create(settings.Weights), Gangs = GangsOf(settings, solver) });
                Apply(engine, settings, solver);
                continue;
            }

            if (engine is null)
            {
                throw Wrong(path, line, "a recording begins with its settings (kind Start)");
            }

            try
            {
                offered = step.Offered ?? offered;
                switch (step.Kind)
                {
                    case RecordedStepKind.Change:
                        step.Change!.ApplyTo(engine.Cluster);
                        changes++;
                        break;
                    case RecordedStepKind.Settings:
                        Apply(engine, step.Settings!, solver);
                        break;
                    case RecordedStepKind.GroupChange:
                        step.GroupChange!.ApplyTo(engine.Cluster);
                        changes++;
                        break;
                    case RecordedStepKind.Solved:
                        solver.Add(step.Solved!);
                        break;
                    case RecordedStepKind.Arrive:
                        waiting[step.Pod!.Uid] = engine.PromiseAsync(step.Pod, step.Node!);
                        break;
                    case RecordedStepKind.Full:
                        full = true;
                        break;
                    case RecordedStepKind.Commit:
                        engine.Cluster.Commit(step.Pod!.Uid);
                        break;
                    case RecordedStepKind.BindFailed:
                        engine.BindFailed(step.Pod!);
                        break;
                    default:
                        decisions++;
                        var verdict = Decide(engine, step, offered, solver, waiting);
                        solver.Forget();
                        if (verdict != step.Verdict)
                        {
                            differences.Add(new ReplayDifference(line, $"{step.Kind.ToString().ToLowerInvariant()} of {step.Pod?.ToString() ?? "gangs"}{(step.Node is { } node ? $" on {node}" : "")}", step.Verdict ?? "", verdict));
                        }

                        break;
                }
            }
            catch (Exception e) when (e is NullReferenceException or ArgumentException or InvalidOperationException or KeyNotFoundException)
            {
                throw Wrong(path, line, $"this {step.Kind} lacks what belongs to it: {e.Message}", e);
            }
        }

        return line > 0 ? new ReplayResult(decisions, changes, full, differences) : throw Wrong(path, 1, "the file is empty");
    }

    private static void Apply(SchedulingEngine engine, RecordedSettings settings, RecordedSolver solver)
    {
        engine.Cluster.Holds = settings.Holds;
        engine.Apply(ServiceProfiles.Change(engine.Options, settings.Weights, settings.AnswerOneNode, settings.Canary) with { Gangs = GangsOf(settings, solver) });
    }

    private static GangOptions? GangsOf(RecordedSettings settings, RecordedSolver solver) =>
        settings.Gangs is { } gangs ? gangs with { Placer = solver, Background = solver.Begin } : null;

    private static string Decide(SchedulingEngine engine, RecordedStep step, IReadOnlyList<string?> offered, RecordedSolver solver, Dictionary<string, Task<PromiseResult>> waiting)
    {
        if (step.Kind == RecordedStepKind.Turn)
        {
            var (evictions, releases, wakes, endedBatch) = step.Turn!;
            if (endedBatch)
            {
                solver.EndBatch();
            }

            return Verdicts.OfTurn(engine.Gangs!.TakeTurn(evictions, releases, wakes));
        }

        var (pod, snapshot) = (step.Pod!, engine.Cluster.Current);
        switch (step.Kind)
        {
            case RecordedStepKind.Answered:
                return waiting.Remove(pod.Uid, out var waits) && waits.IsCompletedSuccessfully ? Verdicts.OfPromise(waits.Result) : "it waits";
            case RecordedStepKind.Preempt:
                return Verdicts.OfPreemption(engine.Preempt(pod, snapshot, step.Candidates!));
            case RecordedStepKind.Promise:
                return engine.PromiseAsync(pod, step.Node!) is { IsCompletedSuccessfully: true } promise ? Verdicts.OfPromise(promise.Result) : "it waits";
            default:
                int[] candidates = [.. offered.Select(name => name is null ? -1 : snapshot.Index.Find(name))];
                if (step.Kind == RecordedStepKind.Filter)
                {
                    var statuses = new Status[candidates.Length];
                    engine.Filter(pod, snapshot, candidates, statuses);
                    return Verdicts.OfFilter(statuses);
                }

                var scores = new int[candidates.Length];
                engine.Prioritize(pod, snapshot, candidates, scores);
                return Verdicts.OfScores(snapshot, candidates, scores);
        }
    }

    private static RecordedStep Read(string path, long line, string text)
    {
        try
        {
            return JsonSerializer.Deserialize<RecordedStep>(text, RecordingJson.Options) ?? throw Wrong(path, line, "null is no line of a recording");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw Wrong(path, line, $"this is no line of a recording: {e.Message}", e);
        }
    }

    private static InvalidSnapshotException Wrong(string path, long line, string what, Exception? cause = null) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{path}:{line}: {what} (recordings are written with the setting Recording:Path)"), cause);

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
