using GpuScheduler.Simulator.Report;

namespace GpuScheduler.Simulator.Runs;

/// <summary>What came out of a timed run.</summary>
internal sealed record TimedOutcome
{
    /// <summary>Offered load in %.</summary>
    public required double OfferedPercent { get; init; }

    /// <summary>Mean allocation of the cluster's GPUs in %, from the end of the warm-up to the last arrival.</summary>
    public required double MeanAllocation { get; init; }

    /// <summary>How long the pods that started had waited, in milliseconds, ascending.</summary>
    public required IReadOnlyList<long> WaitsMs { get; init; }

    /// <summary>Pods that waited when the last one arrived.</summary>
    public required int WaitingAtEnd { get; init; }

    /// <summary>Pods that never started, although in the end everything that can leave had left.</summary>
    public required int NeverStarted { get; init; }

    /// <summary>Mean allocation over equal parts of the time from first to last arrival.</summary>
    public required IReadOnlyList<TimePoint> Allocation { get; init; }

    /// <summary>What became of gangs; null when none arrived.</summary>
    public GangOutcomes? Gangs { get; init; }

    /// <summary>Pods that arrived.</summary>
    public int Arrived => WaitsMs.Count + NeverStarted;

    /// <summary>Mean wait of the pods that started, in milliseconds; 0 without any.</summary>
    public double MeanWaitMs => new Waits(WaitsMs, Arrived).MeanMs;

    /// <inheritdoc cref="Waits.Quantile"/>
    public double Quantile(double part) => new Waits(WaitsMs, Arrived).Quantile(part);
}
