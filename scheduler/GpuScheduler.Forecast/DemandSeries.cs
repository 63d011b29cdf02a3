using System.Collections.Immutable;

namespace GpuScheduler.Forecast;

/// <summary>Demanded GPUs in equal steps of time.</summary>
/// <param name="First">Number of the first step, counted from the Unix epoch.</param>
/// <param name="Step">Length of a step.</param>
/// <param name="Gpus">Mean of each step, in GPUs; NaN where nobody looked.</param>
public sealed record DemandSeries(long First, TimeSpan Step, ImmutableArray<double> Gpus)
{
    /// <summary>Number of the step after the last.</summary>
    public long End => First + Gpus.Length;

    /// <summary>The step that a moment lies in.</summary>
    public static long StepOf(DateTimeOffset at, TimeSpan step) => Math.DivRem(at.UtcTicks - DateTimeOffset.UnixEpoch.Ticks, step.Ticks, out var rest) - (rest < 0 ? 1 : 0);

    /// <summary>When a step begins.</summary>
    public static DateTimeOffset TimeOf(long number, TimeSpan step) => DateTimeOffset.UnixEpoch + (number * step);

    /// <summary>The part before a step.</summary>
    public DemandSeries Before(long end) => this with { Gpus = Gpus[..(int)Math.Clamp(end - First, 0, Gpus.Length)] };

    /// <summary>The same with a gap up to a step; as it is when it reaches so far.</summary>
    public DemandSeries Until(long end) => Gpus.IsEmpty || end <= End ? this : this with { Gpus = Gpus.AddRange(Enumerable.Repeat(double.NaN, (int)(end - End))) };

    /// <summary>The value of a step; NaN outside and in gaps.</summary>
    public double At(long number) => number >= First && number < End ? Gpus[(int)(number - First)] : double.NaN;

    /// <summary>Mean absolute change from one day to the next, in GPUs: the scale of the mean absolute scaled error. 0 where it is not known.</summary>
    public double MeanDailyChange()
    {
        var day = (int)(TimeSpan.FromDays(1) / Step);
        var (sum, count) = (0.0, 0);
        for (var i = day; i < Gpus.Length; i++)
        {
            if (Math.Abs(Gpus[i] - Gpus[i - day]) is var change && !double.IsNaN(change))
            {
                (sum, count) = (sum + change, count + 1);
            }
        }

        return count > 0 ? sum / count : 0;
    }
}
