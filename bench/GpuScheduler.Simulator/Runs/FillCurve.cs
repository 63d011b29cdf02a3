namespace GpuScheduler.Simulator.Runs;

/// <summary>
/// Sums up the records of a fill-up run, one an arrival, by arrived load in whole percent: rounded half to even, allocation and
/// fragment ratio of each record rounded to two decimals first, as the published analysis does it.
/// </summary>
internal sealed class FillCurve(long capacityMilli)
{
    private readonly List<Sums> _sums = [];

    /// <summary>The point to which a record belongs: arrived load in whole percent, rounded half to even.</summary>
    public static int LoadOf(long arrivedMilli, long capacityMilli) => (int)Math.Round(100.0 * arrivedMilli / capacityMilli, MidpointRounding.ToEven);

    /// <summary>An allocation in %, rounded to two decimals.</summary>
    public static double PercentOf(long usedMilli, long capacityMilli) => Math.Round(100.0 * usedMilli / capacityMilli, 2);

    /// <summary>Adds the record after an arrival.</summary>
    /// <param name="arrivedMilli">GPU asked for by what has arrived, in milli-GPU.</param>
    /// <param name="usedMilli">GPU allocated, in milli-GPU.</param>
    /// <param name="fragmentMilli">Idle GPU that typical pods cannot use, in milli-GPU.</param>
    public void Add(long arrivedMilli, long usedMilli, double fragmentMilli)
    {
        var load = LoadOf(arrivedMilli, capacityMilli);
        while (_sums.Count <= load)
        {
            _sums.Add(default);
        }

        var idle = capacityMilli - usedMilli;
        ref var sums = ref System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_sums)[load];
        sums.Count++;
        sums.Allocation += PercentOf(usedMilli, capacityMilli);
        sums.IdleGpus += idle / 1000.0;
        sums.FragmentRatio += idle > 0 ? Math.Round(100 * fragmentMilli / idle, 2) : 0;
        sums.FragmentPercent += 100 * fragmentMilli / capacityMilli;
    }

    /// <summary>The points that have records, by load.</summary>
    public IReadOnlyList<FillPoint> ToPoints()
    {
        var points = new List<FillPoint>();
        for (var load = 0; load < _sums.Count; load++)
        {
            if (_sums[load] is { Count: > 0 and var count } sums)
            {
                points.Add(new FillPoint(load, count, sums.Allocation / count, sums.IdleGpus / count, sums.FragmentRatio / count, sums.FragmentPercent / count));
            }
        }

        return points;
    }

    private struct Sums
    {
        public int Count;
        public double Allocation;
        public double IdleGpus;
        public double FragmentRatio;
        public double FragmentPercent;
    }
}
