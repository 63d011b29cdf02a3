using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;

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
        var (line, decisions, changes, ofGangs, full) = (0L, 0, 0, 0, false);
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
                engine = new SchedulingEngine(new ClusterState(clock, settings.Holds), new EngineOptions { Profile = Profile.Create(settings.Weights) });
                Apply(engine, settings);
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
                        Apply(engine, step.Settings!);
                        break;
                    case RecordedStepKind.OfGang:
                        ofGangs++;
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
                        var verdict = Decide(engine, step, offered);
                        if (verdict != step.Verdict)
                        {
                            differences.Add(new ReplayDifference(line, $"{step.Kind.ToString().ToLowerInvariant()} of {step.Pod}{(step.Node is { } node ? $" on {node}" : "")}", step.Verdict ?? "", verdict));
                        }

                        break;
                }
            }
            catch (Exception e) when (e is NullReferenceException or ArgumentException or InvalidOperationException or KeyNotFoundException)
            {
                throw Wrong(path, line, $"this {step.Kind} lacks what belongs to it: {e.Message}", e);
            }
        }

        return line > 0 ? new ReplayResult(decisions, changes, ofGangs, full, differences) : throw Wrong(path, 1, "the file is empty");
    }

    private static void Apply(SchedulingEngine engine, RecordedSettings settings)
    {
        engine.Cluster.Holds = settings.Holds;
        engine.Apply(ServiceProfiles.Change(engine.Options, settings.Weights, settings.AnswerOneNode, settings.Canary));
    }

    private static string Decide(SchedulingEngine engine, RecordedStep step, IReadOnlyList<string?> offered)
    {
        var (pod, snapshot) = (step.Pod!, engine.Cluster.Current);
        switch (step.Kind)
        {
            case RecordedStepKind.Preempt:
                return Verdicts.OfPreemption(engine.Preempt(pod, snapshot, step.Candidates!));
            case RecordedStepKind.Promise:
                return Verdicts.OfPromise(engine.Promise(pod, step.Node!));
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
