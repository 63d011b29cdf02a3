namespace GpuScheduler.Core.Tests.Demand;

/// <summary>
/// The cutting-stock problem by brute force: every pattern is listed, and the linear program over all of them is solved by the plain
/// simplex method on a full tableau, whose end says by itself whether it is right (both sides are handed out).
/// </summary>
internal static class PatternOracle
{
    /// <summary>All ways to put pieces of these sizes on a card, as numbers of pieces by size, that leave no room for another piece.</summary>
    public static List<int[]> MaximalPatterns(int[] sizes)
    {
        var patterns = new List<int[]>();
        var counts = new int[sizes.Length];
        void Extend(int from, int free)
        {
            if (sizes.All(s => s > free))
            {
                patterns.Add([.. counts]);
            }

            for (var i = from; i < sizes.Length; i++)
            {
                if (sizes[i] <= free)
                {
                    counts[i]++;
                    Extend(i, free - sizes[i]);
                    counts[i]--;
                }
            }
        }

        Extend(0, 1000);
        return patterns;
    }

    /// <summary>Fewest cards (whole and parts of patterns) that hold the demand, how often each pattern is used, and prices that prove it.</summary>
    public static (double[] Used, double[] Prices) Solve(List<int[]> patterns, double[] demand)
    {
        // max demand*y with pattern*y <= 1 and y >= 0: to begin at y = 0 is allowed. Bland's rule, so that it ends.
        var (rows, columns) = (patterns.Count, demand.Length);
        var table = new double[rows + 1, columns + rows + 1];
        var basis = new int[rows];
        for (var r = 0; r < rows; r++)
        {
            for (var c = 0; c < columns; c++)
            {
                table[r, c] = patterns[r][c];
            }

            table[r, columns + r] = 1;
            table[r, columns + rows] = 1;
            basis[r] = columns + r;
        }

        for (var c = 0; c < columns; c++)
        {
            table[rows, c] = -demand[c];
        }

        while (Enumerable.Range(0, columns + rows).FirstOrDefault(c => table[rows, c] < -1e-10, -1) is >= 0 and var enter)
        {
            var leave = Enumerable.Range(0, rows).Where(r => table[r, enter] > 1e-10)
                .OrderBy(r => Math.Round(table[r, columns + rows] / table[r, enter], 10)).ThenBy(r => basis[r]).First();
            var pivot = table[leave, enter];
            for (var c = 0; c <= columns + rows; c++)
            {
                table[leave, c] /= pivot;
            }

            for (var r = 0; r <= rows; r++)
            {
                var factor = table[r, enter];
                for (var c = 0; r != leave && factor != 0 && c <= columns + rows; c++)
                {
                    table[r, c] -= factor * table[leave, c];
                }
            }

            basis[leave] = enter;
        }

        var prices = new double[columns];
        for (var r = 0; r < rows; r++)
        {
            if (basis[r] < columns)
            {
                prices[basis[r]] = table[r, columns + rows];
            }
        }

        return ([.. Enumerable.Range(0, rows).Select(r => table[rows, columns + r])], prices);
    }
}
