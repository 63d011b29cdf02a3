using System.Diagnostics.Metrics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Extender.Verbs;

namespace GpuScheduler.Extender.Metrics;

/// <summary>What /metrics shows of the verbs and of the cluster. docs/metrics.md lists the names.</summary>
internal sealed class ExtenderMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "GpuScheduler.Extender";

    private readonly Meter _meter;
    private readonly Counter<long> _decisions;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _expired;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _planDuration;
    private readonly Histogram<double> _barrierWait;
    private readonly Counter<long> _released;
    private readonly Counter<long> _woken;
    private readonly Counter<long> _evicted;
    private readonly Counter<long> _ungated;
    private readonly Counter<long> _layouts;
    private readonly Histogram<double> _phase;
    private readonly Counter<long> _plans;
    private readonly Histogram<double> _gap;
    private readonly Histogram<double> _gangWait;
    private readonly Counter<long> _profileDecisions;
    private readonly Counter<long> _profilePods;
    private readonly Histogram<double> _profileDuration;
    private readonly Counter<long> _withdrawals;
    private readonly Counter<long> _reloads;

    public ExtenderMetrics(ClusterState cluster, string meterName = MeterName)
    {
        _meter = new Meter(meterName);
        _decisions = _meter.CreateCounter<long>("gpu_scheduler.decisions", null, "Answered calls by verb and outcome.");
        _refusals = _meter.CreateCounter<long>("gpu_scheduler.node.refusals", null, "Nodes refused by filter, by reason.");
        _expired = _meter.CreateCounter<long>("gpu_scheduler.holds.expired", null, "Holds that ended by their expiry, by state.");
        _duration = _meter.CreateHistogram<double>("gpu_scheduler.verb.duration", "s", "Time to answer a call, by verb.", null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 5],
        });
        _planDuration = _meter.CreateHistogram<double>("gpu_scheduler.gang.plan.duration", "s", "Time to plan a gang and hold its devices, by what was proven.", null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.016, 0.064, 0.256, 0.512, 1],
        });
        _barrierWait = _meter.CreateHistogram<double>("gpu_scheduler.gang.barrier.wait", "s", "Time that members of a gang waited at bind for each other, by how it ended.", null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.001, 0.004, 0.016, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8, 16, 32],
        });
        _released = _meter.CreateCounter<long>("gpu_scheduler.gang.releases", null, "Gangs that gave all their planned places back.");
        _evicted = _meter.CreateCounter<long>("gpu_scheduler.gang.evictions", null, "Pods that were deleted so that a gang gets its place, beside those that kube-scheduler deletes, by outcome.");
        _woken = _meter.CreateCounter<long>("gpu_scheduler.gang.wakes", null, "Pending members that were touched so that kube-scheduler looks at them again, by outcome.");
        _ungated = _meter.CreateCounter<long>("gpu_scheduler.gang.gates_removed", null, "Scheduling gates of gang members that were removed, by outcome.");
        _layouts = _meter.CreateCounter<long>("gpu_scheduler.mig.changes", null, "Changes of MIG layouts of nodes, by what happened.");
        _phase = _meter.CreateHistogram<double>("gpu_scheduler.verb.phase.duration", "s", "Time of a call by verb and phase: parse (read the body), decide, write (the answer, before it is sent).", null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.00001, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.064, 0.256, 1],
        });
        _plans = _meter.CreateCounter<long>("gpu_scheduler.gang.plans", null, "Plans of gangs by what was proven and by which method.");
        _gap = _meter.CreateHistogram<double>("gpu_scheduler.gang.plan.gap_ratio", null, "How far a plan may be from the best there is, as a part of its objective; 0 where it is proven optimal.", null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
        });
        _gangWait = _meter.CreateHistogram<double>("gpu_scheduler.gang.wait", "s", "Time from when a gang was first seen until all that it needs were bound.", null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 43_200],
        });
        _profileDecisions = _meter.CreateCounter<long>("gpu_scheduler.profile.decisions", null, "Answers of filter while a canary is set, by profile and outcome.");
        _profilePods = _meter.CreateCounter<long>("gpu_scheduler.profile.pods", null, "Pods by profile and outcome of the first answer about them, while a canary serves.");
        _profileDuration = _meter.CreateHistogram<double>("gpu_scheduler.profile.decide.duration", "s", "Time to decide a filter call while a canary is set, by profile.", null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 1],
        });
        _withdrawals = _meter.CreateCounter<long>("gpu_scheduler.canary.withdrawals", null, "Canaries that were withdrawn, by reason.");
        _reloads = _meter.CreateCounter<long>("gpu_scheduler.config.reloads", null, "Times that the settings were read again, by outcome.");
        _meter.CreateObservableGauge("gpu_scheduler.allocations", () => cluster.CountAllocations().Select(
            c => new Measurement<int>(c.Value, new KeyValuePair<string, object?>("state", c.Key.ToString()))), null, "Allocations in the ledger, by state.");
        _meter.CreateObservableGauge("gpu_scheduler.nodes", () => cluster.Current.Index.Count, null, "Nodes known.");
        _meter.CreateObservableGauge("gpu_scheduler.gpus", () => CountGpus(cluster.Current), null, "GPUs by what they are used for.");
        _meter.CreateObservableGauge("gpu_scheduler.nodes.in_conflict", () => Count(cluster.Current, n => n.HasConflict), null, "Nodes on which the API assigns a device twice, or more than there is.");
    }

    /// <summary>Adds a gauge that others can read off.</summary>
    public void Observe(string name, string unit, string description, Func<IEnumerable<Measurement<double>>> values) =>
        _meter.CreateObservableGauge(name, values, unit, description);

    /// <summary>True for an instrument of this one; others of the process may have the same name.</summary>
    public bool Has(Instrument instrument) => ReferenceEquals(instrument.Meter, _meter);

    public void Decided(string verb, string outcome, TimeSpan took)
    {
        var tag = new KeyValuePair<string, object?>("verb", verb);
        _decisions.Add(1, tag, new KeyValuePair<string, object?>("outcome", outcome));
        if (outcome != Outcome.Simulated)
        {
            _duration.Record(took.TotalSeconds, tag);
        }
    }

    public void Refused(ReadOnlySpan<Status> statuses)
    {
        Span<int> counts = stackalloc int[128];
        Span<int> firsts = stackalloc int[128];
        counts.Clear();
        for (var i = 0; i < statuses.Length; i++)
        {
            var id = statuses[i].Id;
            if (!statuses[i].IsSuccess && id < counts.Length && counts[id]++ == 0)
            {
                firsts[id] = i;
            }
        }

        for (var id = 0; id < counts.Length; id++)
        {
            if (counts[id] > 0)
            {
                _refusals.Add(counts[id], new KeyValuePair<string, object?>("reason", statuses[firsts[id]].Kind.Reason));
            }
        }
    }

    /// <summary>One of two profiles answered a filter call.</summary>
    public void ProfileDecided(string profile, string outcome, TimeSpan took)
    {
        var tag = new KeyValuePair<string, object?>("profile", profile);
        _profileDecisions.Add(1, tag, new KeyValuePair<string, object?>("outcome", outcome));
        _profileDuration.Record(took.TotalSeconds, tag);
    }

    /// <summary>One of two profiles answered for the first time about a pod.</summary>
    public void ProfilePod(string profile, string outcome) =>
        _profilePods.Add(1, new KeyValuePair<string, object?>("profile", profile), new KeyValuePair<string, object?>("outcome", outcome));

    public void CanaryWithdrawn(string reason) => _withdrawals.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void SettingsRead(string outcome) => _reloads.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Expired(Core.Reservations.AllocationState state) => _expired.Add(1, new KeyValuePair<string, object?>("state", state.ToString()));

    public void Phase(string verb, string phase, TimeSpan took) =>
        _phase.Record(took.TotalSeconds, new KeyValuePair<string, object?>("verb", verb), new KeyValuePair<string, object?>("phase", phase));

    /// <summary>A gang was planned, or could not be.</summary>
    /// <param name="status">What was proven.</param>
    /// <param name="method">How.</param>
    /// <param name="gapPercent">Distance to the bound; null when there is no plan.</param>
    /// <param name="took">Time for all of it.</param>
    public void GangPlanned(string status, string method, double? gapPercent, TimeSpan took)
    {
        var proof = new KeyValuePair<string, object?>("proof", status);
        _planDuration.Record(took.TotalSeconds, proof);
        _plans.Add(1, proof, new KeyValuePair<string, object?>("method", method));
        if (gapPercent is { } gap)
        {
            _gap.Record(gap / 100);
        }
    }

    public void GangStarted(TimeSpan waited) => _gangWait.Record(waited.TotalSeconds);

    public void BarrierEnded(string outcome, TimeSpan waited) => _barrierWait.Record(waited.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));

    public void GangReleased() => _released.Add(1);

    public void Evicted(string outcome) => _evicted.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Woken(string outcome) => _woken.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Released(string outcome) => _ungated.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void LayoutChange(string what) => _layouts.Add(1, new KeyValuePair<string, object?>("what", what));

    public void Dispose() => _meter.Dispose();

    private static int Count(Snapshot snapshot, Func<NodeInfo, bool> condition)
    {
        var count = 0;
        foreach (var node in snapshot.Nodes)
        {
            count += node is not null && condition(node) ? 1 : 0;
        }

        return count;
    }

    private static IEnumerable<Measurement<int>> CountGpus(Snapshot snapshot)
    {
        int idle = 0, whole = 0, shared = 0, mig = 0, migIdle = 0, unhealthy = 0;
        foreach (var node in snapshot.Nodes)
        {
            for (var i = 0; i < (node?.Use.Length ?? 0); i++)
            {
                ref readonly var use = ref node!.Use[i];
                var gpu = node.Facts.Gpus[i];
                if (!gpu.Healthy)
                {
                    unhealthy++;
                }
                else if (use.Whole)
                {
                    whole++;
                }
                else if (use.Shares > 0)
                {
                    shared++;
                }
                else if (gpu.Mig != MigMode.Disabled)
                {
                    _ = use.MigMask == 0 ? migIdle++ : mig++;
                }
                else
                {
                    idle++;
                }
            }
        }

        static Measurement<int> Of(int value, string use) => new(value, new KeyValuePair<string, object?>("use", use));
        return [Of(idle, "idle"), Of(whole, "whole"), Of(shared, "shared"), Of(mig, "mig"), Of(migIdle, "mig-idle"), Of(unhealthy, "unhealthy")];
    }
}
