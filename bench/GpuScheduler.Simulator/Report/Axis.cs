namespace GpuScheduler.Simulator.Report;

/// <summary>A scale and its ticks.</summary>
internal sealed class Axis
{
    private const double Second = 1, Minute = 60, Hour = 3600, Day = 86400;

    /// <summary>Beyond this, differences of values overflow; no figure of a cluster comes near it.</summary>
    private const double Largest = 1e200;

    private static readonly double[] s_timeSteps =
    [
        Second, 2, 5, 10, 15, 30, Minute, 2 * Minute, 5 * Minute, 10 * Minute, 15 * Minute, 30 * Minute,
        Hour, 2 * Hour, 3 * Hour, 6 * Hour, 12 * Hour, Day, 2 * Day, 7 * Day, 14 * Day,
    ];

    private static readonly double[] s_decades =
        [Second, 10, Minute, 10 * Minute, Hour, 6 * Hour, Day, 10 * Day, 100 * Day, 1000 * Day];

    private readonly bool _logarithmic;

    private Axis(double min, double max, bool logarithmic, IReadOnlyList<(double Value, string Label)> ticks)
    {
        (Min, Max, _logarithmic, Ticks) = (min, max, logarithmic, ticks);
    }

    /// <summary>Least value.</summary>
    public double Min { get; }

    /// <summary>Greatest value; more than <see cref="Min"/>.</summary>
    public double Max { get; }

    /// <summary>Ticks by ascending value, within the range.</summary>
    public IReadOnlyList<(double Value, string Label)> Ticks { get; }

    /// <summary>A linear scale with ticks at 1, 2 or 5 times a power of ten.</summary>
    /// <param name="min">Least value that must fit; not finite counts as 0.</param>
    /// <param name="max">Greatest value that must fit; not finite counts as 0.</param>
    /// <param name="ticks">About how many ticks.</param>
    /// <param name="snap">True to extend the range to ticks at both ends.</param>
    public static Axis Linear(double min, double max, int ticks, bool snap)
    {
        (min, max) = Range(min, max);
        var step = Step((max - min) / Math.Max(ticks, 1));
        if (snap)
        {
            (min, max) = (Math.Floor((min / step) + 1e-9) * step, Math.Ceiling((max / step) - 1e-9) * step);
        }

        for (var i = 0; i < 3 && Multiples(min, max, step, static _ => "").Count == 0; i++)
        {
            step = Step(step * 0.39); // no multiple lies in the range: 10 becomes 5, 5 becomes 2, 2 becomes 1
        }

        var decimals = Math.Clamp((int)-Math.Floor(Math.Log10(step) + 1e-9), 0, 10);
        return new Axis(min, max, logarithmic: false, Multiples(min, max, step, v => Num.Si(v, decimals)));
    }

    /// <summary>Time since the start, from 0, with ticks at whole seconds, minutes, hours or days.</summary>
    /// <param name="max">Greatest time in seconds.</param>
    /// <param name="ticks">About how many ticks.</param>
    public static Axis Time(double max, int ticks)
    {
        (_, max) = Range(0, max);
        var wanted = max / Math.Max(ticks, 1);
        var step = Array.Find(s_timeSteps, s => s >= wanted);
        step = step > 0 ? step : Step(wanted / Day) * Day;
        return new Axis(0, max, logarithmic: false, Multiples(0, max, step, v => Num.Duration(v)));
    }

    /// <summary>A logarithmic scale of time spans from 1 second on; shorter ones are drawn at its left end.</summary>
    /// <param name="max">Greatest time span in seconds.</param>
    public static Axis LogDuration(double max)
    {
        (_, max) = Range(0, max);
        var ticks = new List<double>();
        for (var i = 0; i == 0 || ticks[^1] < Math.Max(max, Minute); i++)
        {
            ticks.Add(i < s_decades.Length ? s_decades[i] : ticks[^1] * 10);
        }

        var every = (ticks.Count + 8) / 9;
        return new Axis(1, ticks[^1], logarithmic: true,
            [.. ticks.Where((_, i) => (ticks.Count - 1 - i) % every == 0).Select(t => (t, t == 1 ? "≤ 1 s" : Num.Duration(t)))]);
    }

    /// <summary>Where a value lies, from 0 (<see cref="Min"/>) to 1 (<see cref="Max"/>); beyond the ends outside that range.</summary>
    public double Place(double value) => _logarithmic
        ? Math.Log(Math.Max(value, Min) / Min) / Math.Log(Max / Min)
        : (Math.Clamp(value, -Largest, Largest) - Min) / (Max - Min);

    private static (double Min, double Max) Range(double min, double max)
    {
        min = double.IsFinite(min) ? Math.Clamp(min, -Largest, Largest) : 0;
        max = double.IsFinite(max) ? Math.Clamp(max, -Largest, Largest) : 0;
        if (max < min)
        {
            (min, max) = (max, min);
        }

        // Equal, or equal but for the last bits: a range that can be divided.
        var room = Math.Max(Math.Abs(max) * 1e-9, 1e-9);
        return max - min > room ? (min, max) : min == 0 ? (0, 1) : (min - Math.Max(Math.Abs(min) * 0.05, room), max + Math.Max(Math.Abs(max) * 0.05, room));
    }

    private static double Step(double rough)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        return (rough / power) switch { <= 1.0000001 => power, <= 2.0000001 => 2 * power, <= 5.0000001 => 5 * power, _ => 10 * power };
    }

    private static List<(double Value, string Label)> Multiples(double min, double max, double step, Func<double, string> label)
    {
        var ticks = new List<(double, string)>();
        var first = Math.Ceiling((min / step) - 1e-9);
        for (var i = 0; i < 50; i++)
        {
            var value = (first + i) * step;
            if (value > max + (step * 1e-6))
            {
                break;
            }

            ticks.Add((value, label(value)));
        }

        return ticks;
    }
}
