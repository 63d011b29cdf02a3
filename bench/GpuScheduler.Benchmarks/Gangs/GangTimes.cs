using System.Diagnostics;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>How long the answers of one case took.</summary>
internal sealed class GangTimes
{
    private readonly List<double> _wall = [];
    private readonly List<double> _cpu = [];

    /// <summary>How many were measured.</summary>
    public int Count => _wall.Count;

    /// <summary>The last time, in µs.</summary>
    public double LastUs { get; private set; }

    /// <summary>Median time, in µs.</summary>
    public double MedianUs => Quantile(_wall, 0.5)!.Value;

    /// <summary>99th percentile, in µs; the longest for fewer than 100.</summary>
    public double P99Us => Quantile(_wall, 0.99)!.Value;

    /// <summary>Median processor time, in µs.</summary>
    public double CpuMedianUs => Quantile(_cpu, 0.5)!.Value;

    /// <summary>99th percentile of the processor time, in µs; the longest for fewer than 100.</summary>
    public double CpuP99Us => Quantile(_cpu, 0.99)!.Value;

    /// <summary>The answer to a question, which is timed: on the clock, and by the processor time of the whole process.</summary>
    public T Measure<T>(Func<T> question)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var start = Stopwatch.GetTimestamp();
        var answer = question();
        LastUs = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        _wall.Add(LastUs);
        _cpu.Add((Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds);
        return answer;
    }

    /// <summary>A quantile; null of nothing. Sorts the values.</summary>
    public static double? Quantile(List<double> values, double q)
    {
        values.Sort();
        return values.Count == 0 ? null : values[(int)Math.Min(values.Count - 1, Math.Floor(q * values.Count))];
    }
}
