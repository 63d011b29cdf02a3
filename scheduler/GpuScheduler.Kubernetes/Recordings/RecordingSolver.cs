using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>A solver whose answers are recorded: those to questions of decisions that are, and not those of rehearsals.</summary>
public sealed class RecordingSolver(IGangSolver solver, Recorder recorder) : IGangSolver
{
    /// <inheritdoc/>
    public GangPlan Place(GangProblem problem, SolveLimit limit)
    {
        var plan = solver.Place(problem, limit);
        if (recorder.IsTurn)
        {
            recorder.Solved(new RecordedAnswer(SolverQuestions.Digest(problem)) { Plan = plan });
        }

        return plan;
    }

    /// <inheritdoc/>
    public EvictionPlan MakeRoom(EvictionProblem problem, SolveLimit limit)
    {
        var room = solver.MakeRoom(problem, limit);
        if (recorder.IsTurn)
        {
            recorder.Solved(new RecordedAnswer(SolverQuestions.Digest(problem)) { Room = room });
        }

        return room;
    }

    /// <inheritdoc/>
    /// <remarks>It is asked on a thread of its own, and by decisions alone.</remarks>
    public GangBatchPlan PlaceAll(GangBatch batch, SolveLimit limit)
    {
        var plan = solver.PlaceAll(batch, limit);
        recorder.Solved(new RecordedAnswer(SolverQuestions.Digest(batch)) { Batch = plan });
        return plan;
    }
}
