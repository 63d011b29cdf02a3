using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace GpuScheduler.Forecast.Methods;

/// <summary>
/// Trend, day and week by least squares: a level, a straight line, and sines and cosines of a day and, once there are two weeks, of a week.
/// What the curve misses at the end of the series fades as it has faded before, by the autocorrelation of what it missed.
/// </summary>
/// <remarks>
/// Form: dynamic harmonic regression (Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition, chapter 10.5), with
/// the errors' own autocorrelation at each lead in place of an ARMA model of them.
/// </remarks>
internal sealed class HarmonicRegression : IForecastMethod
{
    /// <summary>Waves of a day: up to one of four hours.</summary>
    private const int DayWaves = 6;

    /// <summary>Pulls all but the level towards 0, as a part of the weight of the data: a wave that gaps leave open stays small.</summary>
    private const double Ridge = 1e-4;

    /// <summary>Part of the points of a past that must be known.</summary>
    private const double KnownShare = 0.5;

    /// <summary>How far back is looked, in days: so many weeks that a holiday does not decide, and so few that the past is like the future.</summary>
    private const int WindowDays = 28;

    /// <summary>After so many days a point weighs half.</summary>
    private const double HalfLifeDays = 7;

    /// <summary>Waves of a week: three of its own, and those next to the wave of a day, by which the days differ in height.</summary>
    private static readonly int[] s_weekWaves = [1, 2, 3, 6, 8];

    private readonly Seasons _seasons;

    static HarmonicRegression() =>
        // The other cores belong to decisions.
        Control.UseSingleThread();

    public HarmonicRegression(TimeSpan step) => _seasons = new Seasons(step);

    public string Name => "harmonic";

    public bool TryContinue(ReadOnlySpan<double> past, long first, Span<double> ahead)
    {
        var skip = Math.Max(0, past.Length - (WindowDays * _seasons.Day));
        past = past[skip..];
        first += skip;
        var known = new List<int>(past.Length);
        for (var i = 0; i < past.Length; i++)
        {
            if (!double.IsNaN(past[i]))
            {
                known.Add(i);
            }
        }

        if (known.Count == 0 || past.Length - known[0] < 2 * _seasons.Day || known.Count < KnownShare * (past.Length - known[0]))
        {
            return false;
        }

        var waves = WavesFor(past.Length - known[0]);
        var (fit, missed) = Fit(past, known, first, waves);
        var residuals = new double[past.Length];
        Array.Fill(residuals, double.NaN);
        for (var r = 0; r < known.Count; r++)
        {
            residuals[known[r]] = missed[r];
        }

        // A gap at the end: what was missed before it has been fading since.
        var (newest, age) = (missed[^1], past.Length - 1 - known[^1]);
        var fade = Fade(residuals, age + ahead.Length);
        var row = Vector<double>.Build.Dense(fit.Count);
        for (var h = 0; h < ahead.Length; h++)
        {
            Fill(row, first + past.Length + h, h, waves);
            ahead[h] = Math.Max(0, row.DotProduct(fit) + (newest * fade[age + h]));
        }

        return true;
    }

    /// <summary>Lengths of the waves, in steps.</summary>
    private double[] WavesFor(int length)
    {
        var day = _seasons.Day;
        var ofDay = Enumerable.Range(1, Math.Min(DayWaves, (day - 1) / 2)).Select(k => (double)day / k);
        return length >= 2 * _seasons.Week ? [.. ofDay, .. s_weekWaves.Select(k => 7.0 * day / k)] : [.. ofDay];
    }

    /// <summary>The weights of the columns, and what the curve misses at each known point.</summary>
    private (Vector<double> Fit, double[] Missed) Fit(ReadOnlySpan<double> past, List<int> known, long first, double[] waves)
    {
        var columns = (waves.Length * 2) + 2;
        var (x, weighted) = (Matrix<double>.Build.Dense(known.Count, columns), Matrix<double>.Build.Dense(known.Count, columns));
        var y = Vector<double>.Build.Dense(known.Count);
        var row = Vector<double>.Build.Dense(columns);
        var total = 0.0;
        for (var r = 0; r < known.Count; r++)
        {
            var i = known[r];
            var weight = Math.Pow(2, (double)(i - past.Length) / (HalfLifeDays * _seasons.Day));
            total += weight;
            Fill(row, first + i, i - past.Length, waves);
            x.SetRow(r, row);
            weighted.SetRow(r, row * weight);
            y[r] = past[i];
        }

        var gram = weighted.TransposeThisAndMultiply(x);
        for (var c = 1; c < columns; c++)
        {
            gram[c, c] += Ridge * total;
        }

        var fit = gram.Cholesky().Solve(weighted.TransposeThisAndMultiply(y));
        return (fit, (y - (x * fit)).ToArray());
    }

    /// <param name="row">Receives the level, the line, and a sine and a cosine for each wave.</param>
    /// <param name="number">Number of the step.</param>
    /// <param name="offset">Steps from the end of the past.</param>
    /// <param name="waves">Lengths of the waves.</param>
    private void Fill(Vector<double> row, long number, int offset, double[] waves)
    {
        row[0] = 1;
        row[1] = (double)offset / _seasons.Week;

        // A week holds all waves a whole number of times; small angles keep their digits.
        var inWeek = (double)(number % _seasons.Week);
        for (var w = 0; w < waves.Length; w++)
        {
            (row[2 + (2 * w)], row[3 + (2 * w)]) = Math.SinCos(2 * Math.PI * inWeek / waves[w]);
        }
    }

    /// <summary>Which part of a residual is left after 1, 2, … steps: from 1 to 0, never more than before.</summary>
    private static double[] Fade(double[] residuals, int steps)
    {
        var fade = new double[steps];
        var least = 1.0;
        for (var h = 1; h <= steps; h++)
        {
            var (product, square) = (0.0, 0.0);
            for (var i = h; i < residuals.Length; i++)
            {
                var both = residuals[i] * residuals[i - h];
                if (!double.IsNaN(both))
                {
                    product += both;
                    square += residuals[i - h] * residuals[i - h];
                }
            }

            least = square > 0 ? Math.Clamp(product / square, 0, least) : 0;
            fade[h - 1] = least;
        }

        return fade;
    }
}
