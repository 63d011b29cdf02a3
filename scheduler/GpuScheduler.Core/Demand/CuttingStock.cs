using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Demand;

/// <summary>
/// What free parts of a card are worth when the shares to come are packed as well as can be: the prices of the cutting-stock problem
/// "fewest cards that hold these shares" (Gilmore and Gomory, 1961), solved by generating columns.
/// </summary>
/// <remarks>
/// The linear program chooses how often each pattern (shares that fit on one card together) is used, so that every size is served.
/// Its duals say how much of a card a share of each size really costs: one that leaves a rest that nothing fits into costs the rest as
/// well, and one that fits into such rests costs nothing. A free part of r is worth the dearest shares that fit into it together.
/// </remarks>
internal static class CuttingStock
{
    private const double Epsilon = 1e-9;

    /// <summary>A bound against cycling on degenerate instances; hundreds of columns are the most that was seen for 64 sizes.</summary>
    private const int MostColumns = 4000;

    /// <summary>The worth of r free milli-GPU, in cards (0 to 1), by r = 0 to 1000.</summary>
    /// <param name="demand">Sizes below 1000 milli-GPU and how much of each is asked for, in any unit; all above 0.</param>
    public static double[] ValuesOf(IReadOnlyList<(int Milli, double Amount)> demand)
    {
        var values = new double[SharePacking.WholeCard + 1];
        if (demand.Count > 0)
        {
            Solve(demand, values);
        }

        if (values[^1] is > 1 + Epsilon and var worth)
        {
            // Given up before the end: what a card is worth at these prices bounds how far off they are (Farley, 1990).
            for (var free = 0; free < values.Length; free++)
            {
                values[free] /= worth;
            }
        }

        // A whole card can always be had by a pod that wants one.
        values[SharePacking.WholeCard] = 1;
        return values;
    }

    private static void Solve(IReadOnlyList<(int Milli, double Amount)> demand, double[] values)
    {
        // The revised simplex method; at first each size has cards of its own. Surplus columns (-1 in one row, cost 0) allow more than
        // is asked for.
        var n = demand.Count;
        var inverse = new double[n, n];
        var level = new double[n];
        var cost = new double[n];
        for (var i = 0; i < n; i++)
        {
            inverse[i, i] = 1.0 / (SharePacking.WholeCard / demand[i].Milli);
            level[i] = demand[i].Amount * inverse[i, i];
            cost[i] = 1;
        }

        var prices = new double[n];
        var column = new double[n];
        var change = new double[n];
        for (var columns = 0; columns < MostColumns; columns++)
        {
            PriceOut(inverse, cost, prices);
            Array.Clear(column);
            var entering = 1.0;
            if (Array.FindIndex(prices, p => p < -Epsilon) is >= 0 and var surplus)
            {
                column[surplus] = -1;
                entering = 0;
            }
            else if (!FillCard(demand, prices, values, column))
            {
                return;
            }

            var leaving = Enter(inverse, level, column, change);
            if (leaving < 0)
            {
                return;
            }

            cost[leaving] = entering;
        }
    }

    private static void PriceOut(double[,] inverse, double[] cost, double[] prices)
    {
        Array.Clear(prices);
        for (var i = 0; i < cost.Length; i++)
        {
            for (var j = 0; j < cost.Length; j++)
            {
                prices[j] += cost[i] * inverse[i, j];
            }
        }
    }

    /// <summary>Packs a card with the dearest shares (an unbounded knapsack). True when they are worth more than the card: a better pattern.</summary>
    private static bool FillCard(IReadOnlyList<(int Milli, double Amount)> demand, double[] prices, double[] values, double[] column)
    {
        Span<int> last = stackalloc int[values.Length];
        for (var free = 1; free < values.Length; free++)
        {
            values[free] = values[free - 1];
            last[free] = -1;
            for (var i = 0; i < prices.Length; i++)
            {
                var milli = demand[i].Milli;
                if (milli <= free && values[free - milli] + prices[i] > values[free] + 1e-12)
                {
                    values[free] = values[free - milli] + prices[i];
                    last[free] = i;
                }
            }
        }

        var better = values[^1] > 1 + Epsilon;
        for (var free = values.Length - 1; better && free > 0;)
        {
            if (last[free] < 0)
            {
                free--;
            }
            else
            {
                column[last[free]]++;
                free -= demand[last[free]].Milli;
            }
        }

        return better;
    }

    /// <summary>Brings a column into the basis. Returns the row that it takes, or -1 when there is none.</summary>
    private static int Enter(double[,] inverse, double[] level, double[] column, double[] change)
    {
        var n = level.Length;
        var leaving = -1;
        var step = double.PositiveInfinity;
        for (var i = 0; i < n; i++)
        {
            change[i] = 0;
            for (var j = 0; j < n; j++)
            {
                change[i] += inverse[i, j] * column[j];
            }

            if (change[i] > Epsilon && level[i] / change[i] < step - 1e-12)
            {
                step = level[i] / change[i];
                leaving = i;
            }
        }

        if (leaving < 0)
        {
            return -1;
        }

        for (var j = 0; j < n; j++)
        {
            inverse[leaving, j] /= change[leaving];
        }

        for (var i = 0; i < n; i++)
        {
            if (i == leaving)
            {
                level[i] = step;
                continue;
            }

            level[i] -= step * change[i];
            for (var j = 0; j < n; j++)
            {
                inverse[i, j] -= change[i] * inverse[leaving, j];
            }
        }

        return leaving;
    }
}
