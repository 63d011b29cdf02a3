namespace GpuScheduler.Forecast;

/// <summary>
/// What a forecast is for: capacity comes, and goes, so long after it is ordered. How much is short and how much idle, by how it is ordered?
/// Demand does not shift: what found no capacity is not asked for again later.
/// </summary>
/// <param name="demand">What was demanded, in GPUs.</param>
/// <param name="step">Length of a step.</param>
/// <param name="nodeGpus">GPUs of a node: only whole nodes can be ordered.</param>
public sealed class CapacityQuestion(IReadOnlyList<double> demand, TimeSpan step, int nodeGpus)
{
    /// <summary>What came of an order for each step; steps of unknown demand are left out.</summary>
    /// <param name="way">The way, in words.</param>
    /// <param name="ordered">GPUs ordered to be there in each step.</param>
    public CapacityFigures Answer(string way, IReadOnlyList<double> ordered)
    {
        ArgumentNullException.ThrowIfNull(ordered);
        var (demanded, lacking, idle, steps, without) = (0.0, 0.0, 0.0, 0, 0);
        for (var i = 0; i < demand.Count; i++)
        {
            if (double.IsNaN(demand[i]) || double.IsNaN(ordered[i]))
            {
                continue;
            }

            var there = Math.Ceiling(Math.Max(0, ordered[i] - 1e-9) / nodeGpus) * nodeGpus;
            demanded += demand[i];
            lacking += Math.Max(0, demand[i] - there);
            idle += Math.Max(0, there - demand[i]);
            steps += demand[i] > 0 ? 1 : 0;
            without += demand[i] > there ? 1 : 0;
        }

        var hours = step.TotalHours;
        return new CapacityFigures(way, demanded * hours, lacking * hours, idle * hours, steps > 0 ? (double)without / steps : 0);
    }

    /// <summary>
    /// The same with a fixed margin on top, chosen so that as much is idle as elsewhere: what the other way's idle capacity would have bought here.
    /// </summary>
    /// <param name="way">The way, in words.</param>
    /// <param name="ordered">GPUs ordered to be there in each step, without the margin.</param>
    /// <param name="idleGpuHours">How much may be idle.</param>
    /// <returns>What came of it, and the margin in GPUs, which may be negative.</returns>
    public (CapacityFigures Figures, double Margin) WithIdleOf(string way, IReadOnlyList<double> ordered, double idleGpuHours)
    {
        ArgumentNullException.ThrowIfNull(ordered);
        var most = demand.Concat(ordered).Where(d => !double.IsNaN(d)).DefaultIfEmpty().Max() + nodeGpus;
        var (low, high) = (-most, most);
        for (var i = 0; i < 40; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = Answer(way, [.. ordered.Select(o => o + middle)]).IdleGpuHours < idleGpuHours ? (middle, high) : (low, middle);
        }

        return (Answer(way, [.. ordered.Select(o => o + low)]), low);
    }
}
