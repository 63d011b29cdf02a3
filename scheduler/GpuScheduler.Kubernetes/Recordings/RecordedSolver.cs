using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>
/// Gives the answers of a recording where the same is asked, and else works out one of its own: by exact search for one gang, and none where
/// that has no answer. Not thread-safe.
/// </summary>
internal sealed class RecordedSolver : IGangSolver
{
    private readonly ExactGangPlacer _exact = new();
    private readonly Queue<RecordedAnswer> _answers = new();
    private RecordedAnswer? _batch;
    private TaskCompletionSource<GangBatchPlan>? _asked;
    private Func<GangBatchPlan>? _work;

    /// <summary>What comes next in the recording.</summary>
    public void Add(RecordedAnswer answer)
    {
        if (answer.Batch is not null)
        {
            _batch = answer;
        }
        else
        {
            _answers.Enqueue(answer);
        }
    }

    /// <summary>Answers that belong to a decision that has been made: those that it did not ask for are for nobody.</summary>
    public void Forget() => _answers.Clear();

    /// <summary>Runs nothing until <see cref="EndBatch"/>.</summary>
    public Task<GangBatchPlan> Begin(Func<GangBatchPlan> work)
    {
        (_asked, _work) = (new TaskCompletionSource<GangBatchPlan>(), work);
        return _asked.Task;
    }

    /// <summary>The plan of several gangs is there.</summary>
    public void EndBatch()
    {
        if (_asked is { Task.IsCompleted: false } asked)
        {
            asked.SetResult(_work!());
        }
    }

    /// <inheritdoc/>
    public GangPlan Place(GangProblem problem, SolveLimit limit) =>
        Next(SolverQuestions.Digest(problem))?.Plan ?? _exact.Place(problem, limit);

    /// <inheritdoc/>
    public EvictionPlan MakeRoom(EvictionProblem problem, SolveLimit limit) =>
        Next(SolverQuestions.Digest(problem))?.Room ?? new EvictionPlan(Undecided, [], new GangPlan { Proof = Undecided });

    /// <inheritdoc/>
    public GangBatchPlan PlaceAll(GangBatch batch, SolveLimit limit)
    {
        var recorded = _batch;
        _batch = null;
        return recorded?.Question == SolverQuestions.Digest(batch)
            ? recorded.Batch!
            : new GangBatchPlan(Undecided, [.. batch.Gangs.Select(_ => new GangPlan { Proof = Undecided })], 0);
    }

    private static Proof Undecided => new(ProofStatus.Undecided, "replay", 0, 0, "this was not asked when it was recorded", TimeSpan.Zero);

    private RecordedAnswer? Next(string question)
    {
        // One that was asked beside others, in another order, is found as well.
        while (_answers.TryPeek(out var next) && next.Question != question && _answers.Any(a => a.Question == question))
        {
            _answers.Dequeue();
        }

        return _answers.TryPeek(out var same) && same.Question == question ? _answers.Dequeue() : null;
    }
}
