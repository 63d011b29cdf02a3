namespace GpuScheduler.Simulator.Runs;

/// <summary>What came out of a fill-up run.</summary>
internal sealed record FillOutcome
{
    /// <summary>The curve by load; a load in whole percent that no record rounds to is missing.</summary>
    public required IReadOnlyList<FillPoint> Curve { get; init; }

    /// <summary>Arrivals.</summary>
    public required int Arrived { get; init; }

    /// <summary>Pods that found no node.</summary>
    public required int Failed { get; init; }

    /// <summary>The first pod on a shared card that found no node; null when all did.</summary>
    public SharedRefusal? FirstSharedRefusal { get; init; }

    /// <summary>GPU allocated at the end, in milli-GPU.</summary>
    public required long UsedMilli { get; init; }

    /// <summary>GPUs of which any part is allocated at the end.</summary>
    public required int CardsInUse { get; init; }

    /// <summary>What is left on each card at the end, in milli-GPU, cards that are full left out.</summary>
    public required IReadOnlyList<int> FreeCards { get; init; }

    /// <summary>
    /// The point of a load, its allocation rounded to two decimals; when no record rounds to it, the mean over those of its neighbours;
    /// null when there are none.
    /// </summary>
    public FillPoint? At(int load)
    {
        var near = Curve.Where(p => p.Load == load).ToList();
        if (near.Count == 0)
        {
            near = [.. Curve.Where(p => Math.Abs(p.Load - load) == 1)];
        }

        var records = near.Sum(p => p.Records);
        double Mean(Func<FillPoint, double> figure) => near is [var one] ? figure(one) : near.Sum(p => p.Records * figure(p)) / records;
        return records == 0 ? null : new FillPoint(
            load,
            records,
            Math.Round(Mean(p => p.Allocation), 2),
            Mean(p => p.IdleGpus),
            Mean(p => p.FragmentRatio),
            Mean(p => p.FragmentPercent));
    }
}
