using System.Globalization;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent;

/// <summary>Decides whether what was seen is worth a write.</summary>
internal sealed class ReportKeeper(WritePolicy policy, TimeProvider time)
{
    private Wire.NodeReport? _written;
    private DateTimeOffset _writtenAt;

    /// <summary>What to write now; null for nothing.</summary>
    /// <param name="seen">What was seen last.</param>
    /// <param name="wait">When nothing is to be written: how long until the same report would be.</param>
    public Wire.NodeReport? Decide(Wire.NodeReport seen, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        var now = time.GetUtcNow();
        var report = seen.Clone();
        report.ObservedAt = now.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        if (_written is null)
        {
            return report;
        }

        var memory = SettleMemory(report, _written);
        wait = _writtenAt + GapFor(report, memory) - now;
        return wait <= TimeSpan.Zero ? report : null;
    }

    /// <summary>The report has arrived.</summary>
    public void Written(Wire.NodeReport report)
    {
        _written = report;
        _writtenAt = time.GetUtcNow();
    }

    private TimeSpan GapFor(Wire.NodeReport report, bool memoryChanged)
    {
        if (Offer(report) != Offer(_written!))
        {
            return TimeSpan.Zero;
        }

        return !Same(report, _written!) ? policy.Gap : memoryChanged ? policy.MemoryGap : policy.Refresh;
    }

    /// <summary>Which GPUs there are, and which of them are fit.</summary>
    private static string Offer(Wire.NodeReport report) =>
        string.Join(' ', report.Gpus.Select(g => $"{g.Index}={g.Uuid}:{g.Health is { Unhealthy: true }}:{string.Join(',', g.Xids)}"));

    /// <summary>True when nothing differs but memory in use and the time.</summary>
    private static bool Same(Wire.NodeReport a, Wire.NodeReport b) => Bare(a).Equals(Bare(b));

    private static Wire.NodeReport Bare(Wire.NodeReport report)
    {
        var bare = report.Clone();
        bare.ObservedAt = "";
        foreach (var gpu in bare.Gpus)
        {
            gpu.ClearMemoryUsedMib();
            gpu.ClearMemoryFreeMib();
        }

        return bare;
    }

    /// <summary>Memory that has changed little is left as it was written. True when some has changed by more.</summary>
    private bool SettleMemory(Wire.NodeReport report, Wire.NodeReport written)
    {
        var changed = false;
        var before = written.Gpus.ToDictionary(g => g.Index);
        foreach (var gpu in report.Gpus)
        {
            if (!before.TryGetValue(gpu.Index, out var old) || gpu.HasMemoryUsedMib != old.HasMemoryUsedMib)
            {
                changed = true;
            }
            else if (gpu.HasMemoryUsedMib)
            {
                if (Math.Abs((long)gpu.MemoryUsedMib - old.MemoryUsedMib) >= Math.Max(1, gpu.MemoryMib * policy.MemoryPart))
                {
                    changed = true;
                }
                else
                {
                    gpu.MemoryUsedMib = old.MemoryUsedMib;
                    gpu.MemoryFreeMib = old.MemoryFreeMib;
                }
            }
        }

        return changed;
    }
}
