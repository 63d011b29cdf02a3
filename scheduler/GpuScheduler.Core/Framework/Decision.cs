using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// What was decided for a pod. It keeps the snapshot it was decided on, for the questions that are seldom asked; do not keep
/// thousands of decisions.
/// </summary>
public sealed class Decision
{
    private readonly Func<IReadOnlyDictionary<Status, int>> _count;
    private IReadOnlyDictionary<Status, int>? _verdicts;

    internal Decision(Snapshot snapshot, Allocation? allocation, double score, Func<IReadOnlyDictionary<Status, int>> count)
    {
        Snapshot = snapshot;
        Allocation = allocation;
        Score = score;
        _count = count;
    }

    /// <summary>The cluster before the pod.</summary>
    public Snapshot Snapshot { get; }

    /// <summary>What the pod holds now; null when no node will do.</summary>
    public Allocation? Allocation { get; }

    /// <summary>The node; null when none will do.</summary>
    public string? Node => Allocation?.Node;

    /// <summary>The devices; empty for a pod without GPUs and where no node will do.</summary>
    public DeviceAssignment Devices => Allocation?.Devices ?? DeviceAssignment.Empty;

    /// <summary>The node's score; 0 when no node will do.</summary>
    public double Score { get; }

    /// <summary>How many nodes passed every filter, counted when it is first asked for.</summary>
    public int FeasibleNodes => Verdicts.GetValueOrDefault(Status.Success);

    /// <summary>How many nodes were refused for which reason, counted when it is first asked for.</summary>
    public IReadOnlyDictionary<Status, int> Refusals => Verdicts.Where(v => !v.Key.IsSuccess).ToDictionary();

    private IReadOnlyDictionary<Status, int> Verdicts => _verdicts ??= _count();
}
