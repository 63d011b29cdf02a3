using Google.OrTools.LinearSolver;

namespace GpuScheduler.Solver.Tests.Bounds;

/// <summary>The optimum of the relaxation with every pattern written down, for whole cards and pods of one card.</summary>
internal static class PatternOracle
{
    public static double Optimum(int cards, (int Milli, int Least, int Most)[] items)
    {
        using var solver = Google.OrTools.LinearSolver.Solver.CreateSolver("GLOP");
        var all = solver.MakeConstraint(double.NegativeInfinity, cards);
        var rows = items.Select(i => solver.MakeConstraint(i.Least, i.Most)).ToArray();
        Add(0, 1000, []);
        solver.Objective().SetMaximization();
        return solver.Solve() == Google.OrTools.LinearSolver.Solver.ResultStatus.OPTIMAL ? solver.Objective().Value() : double.NaN;

        void Add(int item, int room, int[] pattern)
        {
            if (item < items.Length)
            {
                for (var times = 0; times * items[item].Milli <= room; times++)
                {
                    Add(item + 1, room - (times * items[item].Milli), [.. pattern, times]);
                }

                return;
            }

            var variable = solver.MakeNumVar(0, double.PositiveInfinity, "");
            all.SetCoefficient(variable, 1);
            solver.Objective().SetCoefficient(variable, 1000 - room);
            foreach (var (i, times) in pattern.Index())
            {
                rows[i].SetCoefficient(variable, times);
            }
        }
    }
}
