using Optimizer = Google.OrTools.LinearSolver.Solver;

namespace GpuScheduler.Solver.Bounds;

/// <summary>
/// The linear program of cards and patterns, by column generation: it starts without any pattern, and takes up those that
/// <see cref="CardPatterns"/> finds to be worth more than what the prices of its optimum say, until there are none.
/// </summary>
/// <remarks>
/// maximize Σ worth(p)·y(p) over patterns p for a class of cards, with Σ y ≤ Count for each class, and Least ≤ Σ parts(p)·y(p) ≤ Most for
/// each item. Nothing here depends on the time, so that the same input gives the same bound.
/// </remarks>
internal static class CardProgram
{
    /// <summary>
    /// Price, in milli-GPU, of a part that has to be placed and is not: far more than the few cards that its place can cost. It lets the
    /// program begin without patterns. A lower one would loosen the bound, and never make it wrong.
    /// </summary>
    private const double Missing = 100_000;

    /// <summary>Patterns worth less than so many milli-GPU more than their price are not taken up.</summary>
    private const double Tolerance = 1e-5;

    /// <summary>A bound this near to the optimum is good enough, in milli-GPU.</summary>
    private const double Enough = 0.5;

    /// <summary>
    /// Patterns after which the best bound so far is the answer. Twenty sizes of parts take hundreds of patterns and milliseconds, three
    /// hundred take thousands and a second; more sizes than that must not take minutes.
    /// </summary>
    private const int MostPatterns = 20_000;

    /// <summary>The most that can be allocated, in milli-GPU, rounded to be no less.</summary>
    public static long UpperBound(CardClass[] cards, CardItem[] items)
    {
        if (items.Length == 0 || cards.Length == 0)
        {
            return 0;
        }

        using var solver = Optimizer.CreateSolver("GLOP") ?? throw new InvalidOperationException("this build of OR-Tools has no GLOP");
        var objective = solver.Objective();
        objective.SetMaximization();
        var counts = Array.ConvertAll(cards, c => solver.MakeConstraint(0, c.Count, ""));
        var placed = Array.ConvertAll(items, i => solver.MakeConstraint(i.Least, i.Most, ""));
        for (var i = 0; i < items.Length; i++)
        {
            if (items[i].Least > 0)
            {
                var missing = solver.MakeNumVar(0, items[i].Least, "");
                objective.SetCoefficient(missing, -Missing);
                placed[i].SetCoefficient(missing, 1);
            }
        }

        var patterns = new CardPatterns(cards, items);
        var prices = new double[items.Length];
        var best = patterns.Price(prices); // at no price: all cards filled
        while (solver.NumVariables() < MostPatterns && solver.Solve() == Optimizer.ResultStatus.OPTIMAL)
        {
            for (var i = 0; i < items.Length; i++)
            {
                prices[i] = Math.Clamp(placed[i].DualValue(), -Missing, Missing);
            }

            // Read before anything is added: the optimizer forgets its solution then.
            var optimum = objective.Value();
            var worth = Array.ConvertAll(counts, c => Math.Max(0, c.DualValue()) + Tolerance);
            best = Math.Min(best, patterns.Price(prices));
            if (best - optimum < Enough)
            {
                break;
            }

            var before = solver.NumVariables();
            for (var c = 0; c < cards.Length; c++)
            {
                for (var i = 0; i < items.Length; i++)
                {
                    if (patterns.ValueWith(i, cards[c].FreeMilli) > worth[c])
                    {
                        Add(c, patterns.PatternWith(i, cards[c].FreeMilli));
                    }
                }
            }

            if (solver.NumVariables() == before)
            {
                break;
            }
        }

        return best;

        void Add(int card, int[] pattern)
        {
            var variable = solver.MakeNumVar(0, double.PositiveInfinity, "");
            counts[card].SetCoefficient(variable, 1);
            double milli = 0;
            for (var i = 0; i < pattern.Length; i++)
            {
                if (pattern[i] > 0)
                {
                    placed[i].SetCoefficient(variable, pattern[i]);
                    milli += (double)pattern[i] * items[i].Milli;
                }
            }

            objective.SetCoefficient(variable, milli);
        }
    }
}
