using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Statistics;

namespace GpuScheduler.Forecast.Methods;

/// <summary>
/// Trend, day and week by least squares: sines and cosines of a day and, once there are two weeks, of a week. In two forms. By level: with a
/// height and a straight line; what the curve misses at the end of the series fades as it has faded before. By change: the curve is fitted to
/// the changes from hour to hour and put onto the last value, for demand whose height wanders.
/// </summary>
/// <remarks>
/// Dynamic harmonic regression (Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition, chapter 10.5): by level with
/// the errors' own autocorrelation at each lead in place of an ARMA model, by change with errors that are a random walk.
/// </remarks>
internal sealed class HarmonicRegression : IForecastMethod
{
    /// <summary>Waves of a day: up to one of four hours.</summary>
    private const int DayWaves = 6;

    /// <summary>Pulls all but the level towards 0, as a part of the weight of the data: a wave that the data leave open stays small.</summary>
    private const double Ridge = 1e-3;

    /// <summary>Part of the points of a past that must be known.</summary>
    private const double KnownShare = 0.5;

    /// <summary>How far back is looked, in days: so many weeks that a holiday does not decide, and so few that the past is like the future.</summary>
    private const int WindowDays = 28;

    /// <summary>After so many days a point weighs half.</summary>
    private const double HalfLifeDays = 7;

    /// <summary>A change of more than so many times the median change is cut to it.</summary>
    private const double UsualChanges = 3;

    /// <summary>Waves of a week: three of its own, and those next to the wave of a day, by which the days differ in height.</summary>
    private static readonly int[] s_weekWaves = [1, 2, 3, 6, 8];

    /// <summary>The curve is fitted to means over so long: no wave is short enough to need more, and a fit takes a third of the time.</summary>
    private static readonly TimeSpan s_block = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan s_change = TimeSpan.FromHours(1);

    private readonly Seasons _seasons;
    private readonly bool _byChange;
    private readonly int _blockSteps;

    /// <summary>Blocks between the two ends of a change; 0 by level.</summary>
    private readonly int _lag;

    static HarmonicRegression() =>
        // The other cores belong to decisions.
        Control.UseSingleThread();

    public HarmonicRegression(TimeSpan step, bool byChange)
    {
        (_seasons, _byChange) = (new Seasons(step), byChange);
        _blockSteps = Math.Max(1, (int)(s_block / step));
        _lag = byChange ? Math.Max(1, (int)(s_change / (_blockSteps * step))) : 0;
    }

    public string Name => _byChange ? "harmonic-by-change" : "harmonic-by-level";

    public bool TryContinue(ReadOnlySpan<double> past, long first, Span<double> ahead)
    {
        var last = past.Length - 1;
        while (last >= 0 && double.IsNaN(past[last]))
        {
            last--;
        }

        var blocks = Blocks(past);
        var known = blocks.Index().Where(b => !double.IsNaN(b.Item)).Select(b => b.Index).ToList();
        var length = known.Count == 0 ? 0 : blocks.Length - known[0];
        if (length * _blockSteps < 2 * _seasons.Day || known.Count < KnownShare * length)
        {
            return false;
        }

        var end = first + past.Length;
        var waves = WavesFor(length * _blockSteps);
        if (Fit(blocks, end, waves) is not { } curve)
        {
            return false;
        }

        var row = Vector<double>.Build.Dense(curve.Count);
        var missed = past[last] - At(last - past.Length);
        var age = past.Length - last;
        var fade = _byChange ? [] : Fade(blocks, known, curve, end, waves, age + ahead.Length);
        for (var h = 0; h < ahead.Length; h++)
        {
            ahead[h] = Math.Max(0, At(h) + (missed * (_byChange ? 1 : fade[age + h])));
        }

        return true;

        double At(double offset)
        {
            Fill(row, end, offset, waves);
            return row.DotProduct(curve);
        }
    }

    /// <summary>Means of the last days, the newest block last and full; NaN where nothing is known.</summary>
    private double[] Blocks(ReadOnlySpan<double> past)
    {
        var blocks = new double[Math.Min(past.Length, WindowDays * _seasons.Day) / _blockSteps];
        for (var b = 0; b < blocks.Length; b++)
        {
            var (sum, count) = (0.0, 0);
            foreach (var value in past.Slice(past.Length - ((blocks.Length - b) * _blockSteps), _blockSteps))
            {
                if (!double.IsNaN(value))
                {
                    (sum, count) = (sum + value, count + 1);
                }
            }

            blocks[b] = count > 0 ? sum / count : double.NaN;
        }

        return blocks;
    }

    /// <summary>Lengths of the waves, in steps.</summary>
    private double[] WavesFor(int length)
    {
        var day = _seasons.Day;
        var ofDay = Enumerable.Range(1, Math.Min(DayWaves, (day - 1) / 2)).Select(k => (double)day / k);
        return length >= 2 * _seasons.Week ? [.. ofDay, .. s_weekWaves.Select(k => 7.0 * day / k)] : [.. ofDay];
    }

    /// <summary>Middle of a block, in steps from the end of the past.</summary>
    private double Offset(int block, int blocks) => ((block - blocks + 0.5) * _blockSteps) - 0.5;

    /// <summary>Weights of the columns; null when too few points, or changes, are known.</summary>
    private Vector<double>? Fit(double[] blocks, long end, double[] waves)
    {
        var points = Enumerable.Range(_lag, blocks.Length - _lag).Where(b => !double.IsNaN(blocks[b]) && !double.IsNaN(blocks[b - _lag])).ToList();
        var columns = (waves.Length * 2) + 2;
        if (points.Count < 2 * columns)
        {
            return null;
        }

        var (x, weighted) = (Matrix<double>.Build.Dense(points.Count, columns), Matrix<double>.Build.Dense(points.Count, columns));
        var y = Vector<double>.Build.Dense(points.Count);
        var (row, before) = (Vector<double>.Build.Dense(columns), Vector<double>.Build.Dense(columns));
        var total = 0.0;
        for (var r = 0; r < points.Count; r++)
        {
            var b = points[r];
            var offset = Offset(b, blocks.Length);
            var weight = Math.Pow(2, offset / (HalfLifeDays * _seasons.Day));
            total += weight;
            Fill(row, end, offset, waves);
            y[r] = blocks[b];
            if (_byChange)
            {
                Fill(before, end, Offset(b - _lag, blocks.Length), waves);
                row.Subtract(before, row);
                y[r] -= blocks[b - _lag];
            }

            x.SetRow(r, row);
            weighted.SetRow(r, row * weight);
        }

        if (_byChange)
        {
            Tame(y);
        }

        var gram = weighted.TransposeThisAndMultiply(x);
        for (var c = _byChange ? 0 : 1; c < columns; c++)
        {
            gram[c, c] += Ridge * total;
        }

        return gram.Cholesky().Solve(weighted.TransposeThisAndMultiply(y));
    }

    /// <summary>Cuts changes far beyond the usual: one large job that begins or ends is no season.</summary>
    private static void Tame(Vector<double> changes)
    {
        var most = UsualChanges * changes.PointwiseAbs().ToArray().Median();
        if (most > 0)
        {
            changes.MapInplace(c => Math.Clamp(c, -most, most));
        }
    }

    /// <param name="row">Receives the level, the line, and a sine and a cosine for each wave. By change the first two are 0: a height has none, and a line would go on for ever.</param>
    /// <param name="end">Number of the first step after the past.</param>
    /// <param name="offset">Steps from there.</param>
    /// <param name="waves">Lengths of the waves.</param>
    private void Fill(Vector<double> row, long end, double offset, double[] waves)
    {
        row[0] = _byChange ? 0 : 1;
        row[1] = _byChange ? 0 : offset / _seasons.Week;

        // A week holds all waves a whole number of times; small angles keep their digits.
        var inWeek = (end % _seasons.Week) + offset;
        for (var w = 0; w < waves.Length; w++)
        {
            (row[2 + (2 * w)], row[3 + (2 * w)]) = Math.SinCos(2 * Math.PI * inWeek / waves[w]);
        }
    }

    /// <summary>Which part of what is missed is left after 0, 1, 2, … steps: from 1 to 0, never more than before.</summary>
    private double[] Fade(double[] blocks, List<int> known, Vector<double> curve, long end, double[] waves, int steps)
    {
        var residuals = new double[blocks.Length];
        Array.Fill(residuals, double.NaN);
        var row = Vector<double>.Build.Dense(curve.Count);
        foreach (var b in known)
        {
            Fill(row, end, Offset(b, blocks.Length), waves);
            residuals[b] = blocks[b] - row.DotProduct(curve);
        }

        var left = new double[((steps - 1) / _blockSteps) + 2];
        left[0] = 1;
        for (var lag = 1; lag < left.Length; lag++)
        {
            var (product, square) = (0.0, 0.0);
            for (var i = lag; i < residuals.Length; i++)
            {
                var both = residuals[i] * residuals[i - lag];
                if (!double.IsNaN(both))
                {
                    product += both;
                    square += residuals[i - lag] * residuals[i - lag];
                }
            }

            left[lag] = square > 0 ? Math.Clamp(product / square, 0, left[lag - 1]) : 0;
        }

        return [.. Enumerable.Range(0, steps).Select(s => (Block: s / _blockSteps, Part: (double)(s % _blockSteps) / _blockSteps)).Select(s => (left[s.Block] * (1 - s.Part)) + (left[s.Block + 1] * s.Part))];
    }
}
