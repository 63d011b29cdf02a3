using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using MathNet.Numerics.Statistics;
using Lanes = System.Numerics.Vector<double>;

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

    /// <summary>The equations of a past of so many blocks of which all are known, and that number: they are the same whatever the values.</summary>
    private (int Blocks, Cholesky<double>? Of) _whole;

    static HarmonicRegression() =>
        // The other cores belong to decisions.
        Control.UseSingleThread();

    public HarmonicRegression(TimeSpan step, bool byChange)
    {
        (_seasons, _byChange) = (new Seasons(step), byChange);
        _blockSteps = Math.Max(1, (int)(s_block / step));
        _lag = byChange ? Math.Max(1, (int)(s_change / (_blockSteps * step))) : 0;
    }

    /// <summary>Columns before those of the waves: a height and a line. By change there are none: a height does not change, and a line would go on for ever.</summary>
    private int Straight => _byChange ? 0 : 2;

    public string Name => _byChange ? "harmonic-by-change" : "harmonic-by-level";

    public bool TryContinue(ReadOnlySpan<double> past, Span<double> ahead)
    {
        var last = past.Length - 1;
        while (last >= 0 && double.IsNaN(past[last]))
        {
            last--;
        }

        var blocks = Blocks(past);
        var oldest = Array.FindIndex(blocks, b => !double.IsNaN(b));
        var length = oldest < 0 ? 0 : blocks.Length - oldest;
        if (length * _blockSteps < 2 * _seasons.Day || blocks.Count(b => !double.IsNaN(b)) < KnownShare * length)
        {
            return false;
        }

        var waves = WavesFor(length * _blockSteps);
        if (Fit(blocks, waves) is not { } curve)
        {
            return false;
        }

        var row = new double[curve.Length];
        var missed = past[last] - At(last - past.Length);
        var age = past.Length - last;
        var fade = _byChange ? [] : Fade(blocks, curve, waves, age + ahead.Length);
        for (var h = 0; h < ahead.Length; h++)
        {
            ahead[h] = Math.Max(0, At(h) + (missed * (_byChange ? 1 : fade[age + h])));
        }

        return true;

        double At(double offset)
        {
            Fill(row, offset, waves);
            return Dot(row, curve);
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
    private double[]? Fit(double[] blocks, double[] waves)
    {
        int[] points = [.. Enumerable.Range(_lag, blocks.Length - _lag).Where(b => !double.IsNaN(blocks[b]) && !double.IsNaN(blocks[b - _lag]))];
        var columns = (waves.Length * 2) + Straight;
        if (points.Length < 2 * columns)
        {
            return null;
        }

        var values = Array.ConvertAll(points, b => _byChange ? blocks[b] - blocks[b - _lag] : blocks[b]);
        if (_byChange)
        {
            Tame(values);
        }

        // Where nothing is missing all depends on the length alone but for the values.
        var whole = points.Length == blocks.Length - _lag ? blocks.Length : 0;
        var known = whole > 0 && whole == _whole.Blocks ? _whole.Of : null;
        var (gram, total) = (new double[known is null ? columns * columns : 0], 0.0);
        var (at, row, right) = (new double[columns], new double[columns], new double[columns]);
        var (block, lag) = (TurnsOf(_blockSteps, waves), TurnsOf(_lag * _blockSteps, waves));
        Fill(at, Offset(_lag, blocks.Length), waves);
        for (var (b, p) = (_lag, 0); p < points.Length; b++, Turn(at, block))
        {
            if (points[p] != b)
            {
                continue;
            }

            var offset = Offset(b, blocks.Length);
            var weight = Math.Pow(2, offset / (HalfLifeDays * _seasons.Day));
            at.CopyTo(row, 0);
            if (_byChange)
            {
                Change(row, lag);
            }

            AddTo(right, row, weight * values[p]);
            total += weight;
            for (var c = 0; known is null && c < columns; c++)
            {
                AddTo(gram.AsSpan(c * columns, columns), row, weight * row[c]);
            }

            p++;
        }

        if (known is null)
        {
            for (var c = _byChange ? 0 : 1; c < columns; c++)
            {
                gram[(c * columns) + c] += Ridge * total;
            }

            known = Matrix<double>.Build.Dense(columns, columns, gram).Cholesky();
            _whole = (whole, known);
        }

        return known.Solve(Vector<double>.Build.Dense(right)).ToArray();
    }

    /// <summary>Cuts changes far beyond the usual: one large job that begins or ends is no season.</summary>
    private static void Tame(double[] changes)
    {
        var most = UsualChanges * Array.ConvertAll(changes, Math.Abs).Median();
        for (var i = 0; most > 0 && i < changes.Length; i++)
        {
            changes[i] = Math.Clamp(changes[i], -most, most);
        }
    }

    /// <param name="row">Receives, by level, the height and the line, and a sine and a cosine for each wave.</param>
    /// <param name="offset">Steps from the end of the past, from which waves are counted: a sine and a cosine together make any phase.</param>
    /// <param name="waves">Lengths of the waves.</param>
    private void Fill(double[] row, double offset, double[] waves)
    {
        if (!_byChange)
        {
            (row[0], row[1]) = (1, offset / _seasons.Week);
        }

        for (var w = 0; w < waves.Length; w++)
        {
            (row[Straight + (2 * w)], row[Straight + (2 * w) + 1]) = Math.SinCos(2 * Math.PI * offset / waves[w]);
        }
    }

    /// <summary>How far each wave turns in so many steps.</summary>
    private static (double Sine, double Cosine)[] TurnsOf(int steps, double[] waves) => Array.ConvertAll(waves, w => Math.SinCos(2 * Math.PI * steps / w));

    /// <summary>Goes on to the next block, for a tenth of what new sines cost.</summary>
    private void Turn(double[] row, (double Sine, double Cosine)[] turns)
    {
        if (!_byChange)
        {
            row[1] += (double)_blockSteps / _seasons.Week;
        }

        for (var w = 0; w < turns.Length; w++)
        {
            var (sine, cosine) = (row[Straight + (2 * w)], row[Straight + (2 * w) + 1]);
            row[Straight + (2 * w)] = (sine * turns[w].Cosine) + (cosine * turns[w].Sine);
            row[Straight + (2 * w) + 1] = (cosine * turns[w].Cosine) - (sine * turns[w].Sine);
        }
    }

    /// <summary>Makes of the waves at a moment their change since the lag before.</summary>
    /// <param name="row">A sine and a cosine for each wave.</param>
    /// <param name="turns">How far each wave turns in the lag.</param>
    private static void Change(double[] row, (double Sine, double Cosine)[] turns)
    {
        for (var w = 0; w < turns.Length; w++)
        {
            var (sine, cosine) = (row[2 * w], row[(2 * w) + 1]);
            row[2 * w] = sine - (sine * turns[w].Cosine) + (cosine * turns[w].Sine);
            row[(2 * w) + 1] = cosine - (cosine * turns[w].Cosine) - (sine * turns[w].Sine);
        }
    }

    /// <summary>Which part of what is missed is left after 0, 1, 2, … steps: from 1 to 0, never more than before.</summary>
    private double[] Fade(double[] blocks, double[] curve, double[] waves, int steps)
    {
        // What is not known is 0 in all three, and so counts nowhere.
        var (residuals, squares, known) = (new double[blocks.Length], new double[blocks.Length], new double[blocks.Length]);
        var (row, block) = (new double[curve.Length], TurnsOf(_blockSteps, waves));
        Fill(row, Offset(0, blocks.Length), waves);
        for (var b = 0; b < blocks.Length; b++, Turn(row, block))
        {
            if (!double.IsNaN(blocks[b]))
            {
                residuals[b] = blocks[b] - Dot(row, curve);
                (squares[b], known[b]) = (residuals[b] * residuals[b], 1);
            }
        }

        var left = new double[((steps - 1) / _blockSteps) + 2];
        left[0] = 1;
        for (var lag = 1; lag < Math.Min(left.Length, blocks.Length) && left[lag - 1] > 0; lag++)
        {
            var square = Dot(squares.AsSpan(..^lag), known.AsSpan(lag..));
            left[lag] = square > 0 ? Math.Clamp(Dot(residuals.AsSpan(lag..), residuals.AsSpan(..^lag)) / square, 0, left[lag - 1]) : 0;
        }

        return [.. Enumerable.Range(0, steps).Select(s => (Block: s / _blockSteps, Part: (double)(s % _blockSteps) / _blockSteps)).Select(s => (left[s.Block] * (1 - s.Part)) + (left[s.Block + 1] * s.Part))];
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var (sums, sum) = (Lanes.Zero, 0.0);
        var i = 0;
        for (; i <= a.Length - Lanes.Count; i += Lanes.Count)
        {
            sums += new Lanes(a[i..]) * new Lanes(b[i..]);
        }

        for (; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum + System.Numerics.Vector.Sum(sums);
    }

    private static void AddTo(Span<double> to, ReadOnlySpan<double> what, double times)
    {
        var i = 0;
        for (; i <= to.Length - Lanes.Count; i += Lanes.Count)
        {
            (new Lanes(to[i..]) + (new Lanes(what[i..]) * times)).CopyTo(to[i..]);
        }

        for (; i < to.Length; i++)
        {
            to[i] += what[i] * times;
        }
    }
}
