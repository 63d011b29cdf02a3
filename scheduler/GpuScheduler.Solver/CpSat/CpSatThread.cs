using System.Collections.Concurrent;
using Google.OrTools.Sat;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.CpSat;

/// <summary>
/// Runs the optimizer on a thread of its own, one model at a time, so that callers can leave when their time is up: an optimizer that
/// is late in noticing its limit delays nobody. What it had found by then is not lost.
/// </summary>
internal sealed class CpSatThread : IDisposable
{
    private readonly BlockingCollection<CpSatJob> _jobs = [];
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
    public CpSatResult Solve(CpModel model, SolveLimit limit, string parameters = "") => Begin(model, limit, parameters).Wait();

    /// <summary>Begins to solve a model. The caller goes on, and has to come back with <see cref="CpSatJob.Wait"/>.</summary>
    public CpSatJob Begin(CpModel model, SolveLimit limit, string parameters = "")
    {
        var job = new CpSatJob(model, limit, parameters);
        _jobs.Add(job);
        return job;
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
}
