using Google.OrTools.Sat;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using GpuScheduler.Solver.CpSat;

namespace GpuScheduler.Solver.Mig;

/// <summary>
/// The exact model: one integer for each class of units and option (how many units get it), one for each kind of slot and demand that it
/// serves. How many units there are stands only on the right-hand sides, so that the model of 40,000 GPUs is hardly larger than that of 400.
/// </summary>
/// <remarks>
/// maximize K·Σ worth(d)·f(s,d) − Σ disturbed(o)·n(u,o), with Σ_o n(u,o) ≤ units(u); Σ_d f(s,d) ≤ Σ supply(o,s)·n(u,o);
/// Σ_s f(s,d) ≤ count(d); Σ n over disturbing options ≤ MostChanges; K above every possible sum of disturbances, so that worth comes first.
/// Options that serve nobody more than another of their class that disturbs no more are left out.
/// </remarks>
internal sealed class MigModel
{
    private const string Parameters = "linearization_level:2";

    private readonly MigProblem _problem;
    private readonly CpModel _model = new();
    private readonly List<(int Unit, int Option, IntVar Var)> _units = [];
    private readonly List<(int Slot, int Demand, IntVar Var)> _flows = [];
    private readonly long _first;

    public MigModel(MigProblem problem)
    {
        _problem = problem;
        var most = problem.Units.Sum(u => (long)u.Count * (u.Options.IsEmpty ? 0 : u.Options.Max(o => o.Disturbed)));
        _first = most + 1;
        var supply = problem.Slots.Select(_ => LinearExpr.NewBuilder()).ToArray();
        var room = new long[supply.Length];
        var served = problem.Demands.Select(_ => LinearExpr.NewBuilder()).ToArray();
        var objective = LinearExpr.NewBuilder();
        var changes = LinearExpr.NewBuilder();
        for (var u = 0; u < problem.Units.Length; u++)
        {
            var units = problem.Units[u];
            var all = LinearExpr.NewBuilder();
            for (var o = 0; o < units.Options.Length; o++)
            {
                var option = units.Options[o];
                if (units.Count == 0 || option.Supply.All(s => s == 0) || IsDominated(units, o))
                {
                    continue;
                }

                var var = _model.NewIntVar(0, units.Count, "");
                _units.Add((u, o, var));
                all.AddTerm(var, 1);
                objective.AddTerm(var, -option.Disturbed);
                if (option.Disturbed > 0)
                {
                    changes.AddTerm(var, 1);
                }

                for (var s = 0; s < supply.Length; s++)
                {
                    if (option.Supply[s] > 0)
                    {
                        supply[s].AddTerm(var, option.Supply[s]);
                        room[s] += (long)option.Supply[s] * units.Count;
                    }
                }
            }

            _model.Add(all <= units.Count);
        }

        if (problem.MostChanges < int.MaxValue)
        {
            _model.Add(changes <= problem.MostChanges);
        }

        for (var s = 0; s < supply.Length; s++)
        {
            foreach (var d in problem.Slots[s])
            {
                if (Math.Min(room[s], problem.Demands[d].Count) is > 0 and var bound)
                {
                    var var = _model.NewIntVar(0, bound, "");
                    _flows.Add((s, d, var));
                    supply[s].AddTerm(var, -1);
                    served[d].AddTerm(var, 1);
                    objective.AddTerm(var, _first * problem.Demands[d].Worth);
                }
            }

            _model.Add(supply[s] >= 0);
        }

        for (var d = 0; d < served.Length; d++)
        {
            _model.Add(served[d] <= problem.Demands[d].Count);
        }

        _model.Maximize(objective);
    }

    /// <summary>How many variables it has.</summary>
    public int Variables => _units.Count + _flows.Count;

    /// <summary>Solves it.</summary>
    public MigPlan Solve(CpSatThread thread, MigPlan known, SolveLimit limit)
    {
        foreach (var (u, o, var) in _units)
        {
            _model.AddHint(var, known.Chosen[u][o]);
        }

        var result = thread.Solve(_model, limit, Parameters);
        var plan = result.Values is { } values ? Read(values) : known;
        if (!plan.IsBetterThan(known))
        {
            plan = known;
        }

        var bound = result.Status == CpSatStatus.Optimal ? plan.Worth
            : result.HasBound ? Math.Min(known.Proof.Bound, Math.Max(plan.Worth, (long)Math.Floor((result.Bound + _first - 1) / _first)))
            : known.Proof.Bound;
        var status = result.Status == CpSatStatus.Optimal ? ProofStatus.Optimal : ProofStatus.Feasible;
        return plan with { Proof = new Proof(status, "cp-sat", plan.Worth, bound, "", limit.Elapsed) };
    }

    private static bool IsDominated(MigUnits units, int option)
    {
        var less = units.Options[option];
        for (var o = 0; o < units.Options.Length; o++)
        {
            var more = units.Options[o];
            if (o != option && more.Disturbed <= less.Disturbed && more.Supply.Zip(less.Supply).All(s => s.First >= s.Second)
                && (o < option || more.Disturbed < less.Disturbed || !more.Supply.AsSpan().SequenceEqual(less.Supply.AsSpan())))
            {
                return true;
            }
        }

        return false;
    }

    private MigPlan Read(long[] values)
    {
        var chosen = _problem.Units.Select(u => new int[u.Options.Length]).ToArray();
        foreach (var (u, o, var) in _units)
        {
            chosen[u][o] = (int)values[var.GetIndex()];
        }

        return MigGreedy.Of(_problem, chosen, "cp-sat");
    }
}
