using System.Runtime.ExceptionServices;
using Google.OrTools.Sat;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.CpSat;

/// <summary>A model at the optimizer: what it has found so far, and its end.</summary>
internal sealed class CpSatJob(CpModel model, SolveLimit limit, string parameters)
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CpSolver? _solver;
    private CpSatResult _result = CpSatResult.Nothing;
    private ExceptionDispatchInfo? _fault;
    private bool _isLeft;

    /// <summary>True when the optimizer has come to its end.</summary>
    public bool IsDone => _done.Task.IsCompleted;

    /// <summary>What is known by now.</summary>
    public CpSatResult Current
    {
        get
        {
            lock (_gate)
            {
                return _result;
            }
        }
    }

    /// <summary>Waits for the end or the limit, and gives what is known by then. The optimizer is told to stop.</summary>
    public CpSatResult Wait()
    {
        var left = limit.Left;
        try
        {
            // A day is longer than anybody waits, and short enough for a wait.
            _done.Task.Wait(left < TimeSpan.FromDays(1) ? left : TimeSpan.FromDays(1), limit.Cancellation);
        }
        catch (OperationCanceledException)
        {
            // Answered with what there is.
        }

        return Stop();
    }

    /// <summary>Ends it, and gives what is known by now.</summary>
    public CpSatResult Stop()
    {
        lock (_gate)
        {
            _isLeft = true;
            _solver?.StopSearch();
            _fault?.Throw();
            return _result;
        }
    }

    /// <summary>Solves, on the optimizer's thread.</summary>
    public void Run()
    {
        try
        {
            using var solver = new CpSolver();
            using var solutions = new Solutions(this);
            lock (_gate)
            {
                if (_isLeft)
                {
                    return;
                }

                _solver = solver;
            }

            // One worker: with more, small models pay for threads, and answers depend on their race.
            var work = limit.Work is { } some ? FormattableString.Invariant($",max_deterministic_time:{some}") : "";
            var time = Math.Clamp(limit.Left.TotalSeconds, 0.001, 1e6);
            solver.StringParameters = FormattableString.Invariant($"num_workers:1,random_seed:1,max_time_in_seconds:{time}{work}{(parameters.Length > 0 ? "," + parameters : "")}");
            solver.SetBestBoundCallback(bound => Report(_result with { Bound = bound, HasBound = true }));
            Finish(solver.Solve(model, solutions), solver);
        }
#pragma warning disable CA1031 // Whatever it is, it belongs to the caller, and the thread lives on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _fault = ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            lock (_gate)
            {
                _solver = null;
            }

            _done.SetResult();
        }
    }

    private void Finish(CpSolverStatus status, CpSolver solver)
    {
        switch (status)
        {
            case CpSolverStatus.Optimal or CpSolverStatus.Feasible:
                var known = status == CpSolverStatus.Optimal ? CpSatStatus.Optimal : CpSatStatus.Feasible;
                Report(new CpSatResult(known, [.. solver.Response!.Solution], (long)Math.Round(solver.ObjectiveValue), solver.BestObjectiveBound, HasBound: true));
                break;
            case CpSolverStatus.Infeasible:
                Report(new CpSatResult(CpSatStatus.Infeasible, null, 0, 0, HasBound: false));
                break;
            case CpSolverStatus.ModelInvalid:
                throw new InvalidOperationException("the model of a gang is not valid: " + model.Validate());
            default:
                // Nothing was found. The bound in the response means nothing then; one that was reported on the way does.
                break;
        }
    }

    private void Report(CpSatResult result)
    {
        lock (_gate)
        {
            _result = result;
        }
    }

    private sealed class Solutions(CpSatJob job) : CpSolverSolutionCallback
    {
        public override void OnSolutionCallback() =>
            job.Report(new CpSatResult(CpSatStatus.Feasible, [.. Response().Solution], (long)Math.Round(ObjectiveValue()), BestObjectiveBound(), HasBound: true));
    }
}
