using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Google.OrTools.Sat;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.CpSat;

/// <summary>
/// Runs the optimizer on a thread of its own, one model at a time, so that callers can leave when their time is up: an optimizer that
/// is late in noticing its limit delays nobody. What it had found by then is not lost.
/// </summary>
internal sealed class CpSatThread : IDisposable
{
    private readonly BlockingCollection<Job> _jobs = [];
    private readonly Thread _thread;

    public CpSatThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "gang optimizer" };
        _thread.Start();
    }

    /// <summary>Solves a model.</summary>
    /// <param name="model">The model. It must not change any more.</param>
    /// <param name="limit">When to answer.</param>
    /// <param name="parameters">Further parameters of the optimizer, in its text form.</param>
    public CpSatResult Solve(CpModel model, SolveLimit limit, string parameters = "")
    {
        var left = limit.Left;
        if (left <= TimeSpan.Zero)
        {
            return CpSatResult.Nothing;
        }

        var job = new Job(model, limit, parameters);
        _jobs.Add(job);
        try
        {
            // A day is longer than anybody waits, and short enough for a wait.
            job.Done.Wait(left < TimeSpan.FromDays(1) ? left : TimeSpan.FromDays(1), limit.Cancellation);
        }
        catch (OperationCanceledException)
        {
            // Answered with what there is.
        }

        return job.Leave();
    }

    /// <summary>Solves a small model, so that the native library is loaded and its memory mapped.</summary>
    public void WarmUp()
    {
        var model = new CpModel();
        var x = model.NewIntVar(0, 10, "");
        var y = model.NewIntVar(0, 10, "");
        model.Add((2 * x) + (3 * y) <= 17);
        model.Maximize(x + (2 * y));
        Solve(model, new SolveLimit(TimeProvider.System, TimeSpan.FromMinutes(1)));
    }

    public void Dispose()
    {
        _jobs.CompleteAdding();
        _thread.Join(TimeSpan.FromSeconds(5));
    }

    private void Run()
    {
        foreach (var job in _jobs.GetConsumingEnumerable())
        {
            job.Run();
        }
    }

    private sealed class Job(CpModel model, SolveLimit limit, string parameters)
    {
        private readonly Lock _gate = new();
        private CpSolver? _solver;
        private CpSatResult _result = CpSatResult.Nothing;
        private ExceptionDispatchInfo? _fault;
        private bool _left;

        public ManualResetEventSlim Done { get; } = new();

        public void Run()
        {
            try
            {
                using var solver = new CpSolver();
                using var solutions = new Solutions(this);
                lock (_gate)
                {
                    if (_left)
                    {
                        return;
                    }

                    _solver = solver;
                }

                // One worker: with more, small models pay for threads, and answers depend on their race.
                solver.StringParameters = FormattableString.Invariant(
                    $"num_workers:1,random_seed:1,max_time_in_seconds:{Math.Clamp(limit.Left.TotalSeconds, 0.001, 1e6)}{(limit.Work is { } work ? FormattableString.Invariant($",max_deterministic_time:{work}") : "")}{(parameters.Length > 0 ? "," + parameters : "")}");
                solver.SetBestBoundCallback(bound => Report(_result with { Bound = bound, HasBound = true }));
                var status = solver.Solve(model, solutions);
                Report(status switch
                {
                    CpSolverStatus.Optimal => Result(CpSatStatus.Optimal, solver),
                    CpSolverStatus.Feasible => Result(CpSatStatus.Feasible, solver),
                    CpSolverStatus.Infeasible => new CpSatResult(CpSatStatus.Infeasible, null, 0, 0, HasBound: false),
                    CpSolverStatus.ModelInvalid => throw new InvalidOperationException("the model of a gang is not valid: " + model.Validate()),
                    _ => new CpSatResult(CpSatStatus.Unknown, null, 0, solver.BestObjectiveBound, HasBound: true),
                });
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

                Done.Set();
            }
        }

        /// <summary>The caller goes: what is known by now.</summary>
        public CpSatResult Leave()
        {
            lock (_gate)
            {
                _left = true;
                _solver?.StopSearch();
                _fault?.Throw();
                return _result;
            }
        }

        private void Report(CpSatResult result)
        {
            lock (_gate)
            {
                _result = result;
            }
        }

        private static CpSatResult Result(CpSatStatus status, CpSolver solver) =>
            new(status, [.. solver.Response!.Solution], (long)Math.Round(solver.ObjectiveValue), solver.BestObjectiveBound, HasBound: true);

        private sealed class Solutions(Job job) : CpSolverSolutionCallback
        {
            public override void OnSolutionCallback() =>
                job.Report(new CpSatResult(CpSatStatus.Feasible, [.. Response().Solution], (long)Math.Round(ObjectiveValue()), BestObjectiveBound(), HasBound: true));
        }
    }
}
