using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Runs;

/// <summary>
/// The experiment over time: pods arrive, wait in a queue by priority and then by arrival, run and leave. Whenever something has
/// left, the whole queue is tried again in its order; whoever fits starts, also past others that do not (back-filling). Within one
/// millisecond, pods leave first, then others arrive, then the queue is tried. A gang counts as one pod: it starts when all its members
/// have a node. What members hold whose gang does not run yet is not counted as allocated.
/// </summary>
/// <remarks>
/// While nothing leaves, the cluster only fills, so that a kind of pod that found no node will find none: only kinds that do not wait
/// already are tried when pods arrive, and after a departure each waiting kind is tried until it fails once.
/// </remarks>
internal sealed class TimedRun
{
    private const int Parts = 240;

    private readonly Trace _trace;
    private readonly TimedWorkload _workload;
    private readonly SimulatedCluster _cluster;
    private readonly AllocationOverTime _allocation;
    private readonly Dictionary<PodInfo, Queue<int>> _waiting = new(ReferenceEqualityComparer.Instance);
    private readonly PriorityQueue<int, (long At, int Pod)> _leaving = new();
    private readonly Dictionary<int, Arrival> _arrivals = [];
    private readonly List<long> _waits = [];
    private readonly List<long> _gangWaits = [];
    private long _gangDomains;
    private long _gangNodes;

    private TimedRun(Trace trace, TimedWorkload workload, ClusterFacts facts, SimulatedCluster cluster, double warmUp)
    {
        _trace = trace;
        _workload = workload;
        _cluster = cluster;
        _allocation = new AllocationOverTime(workload.SpanMs, warmUp, facts.CapacityMilli, Parts);
    }

    /// <summary>Runs it.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="workload">Its arrivals.</param>
    /// <param name="facts">The cluster.</param>
    /// <param name="cluster">The cluster in this run.</param>
    /// <param name="warmUp">First part of the time left out of the mean allocation.</param>
    /// <param name="atEnd">Called once the last pod has arrived, before the cluster drains.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static TimedOutcome Run(Trace trace, TimedWorkload workload, ClusterFacts facts, SimulatedCluster cluster, double warmUp, Action atEnd, CancellationToken cancellation) =>
        new TimedRun(trace, workload, facts, cluster, warmUp).Run(atEnd, cancellation);

    private TimedOutcome Run(Action atEnd, CancellationToken cancellation)
    {
        var pods = _workload.Pods;
        var next = 0;
        var waitingAtEnd = 0;
        while (next < pods.Length || _leaving.Count > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            var now = next < pods.Length ? pods[next].AtMs : long.MaxValue;
            if (_leaving.TryPeek(out _, out var soonest))
            {
                now = Math.Min(now, soonest.At);
            }

            _allocation.Advance(now, _cluster.UsedMilli - _cluster.HeldMilli);
            var left = false;
            while (_leaving.TryPeek(out var pod, out var end) && end.At == now)
            {
                _leaving.Dequeue();
                _cluster.Leave(_arrivals[pod]);
                _arrivals.Remove(pod);
                left = true;
            }

            var first = next;
            for (; next < pods.Length && pods[next].AtMs == now; next++)
            {
                _arrivals[next] = new Arrival(next, TracePodOf(next));
                _cluster.Announce(_arrivals[next]);

                // After a departure the whole queue is tried below, these among it.
                if (left)
                {
                    Enqueue(next);
                }
            }

            if (left)
            {
                StartWaiting(now);
            }
            else
            {
                StartArrived(first, next, now);
            }

            if (next == pods.Length && first < next)
            {
                waitingAtEnd = Waiting();
                atEnd();
            }
        }

        _waits.Sort();
        _gangWaits.Sort();
        return new TimedOutcome
        {
            OfferedPercent = _workload.OfferedPercent,
            MeanAllocation = _allocation.Mean,
            WaitsMs = _waits,
            WaitingAtEnd = waitingAtEnd,
            NeverStarted = Waiting() + _cluster.Unplaced,
            Allocation = _allocation.Points,
            Gangs = Gangs(),
        };
    }

    private TracePod TracePodOf(int pod) => _trace.Pods[_workload.Pods[pod].Pod];

    private PodInfo TemplateOf(int pod) => TracePodOf(pod).Template;

    private GangOutcomes? Gangs()
    {
        var arrived = 0;
        for (var pod = _workload.Initial; pod < _workload.Pods.Length; pod++)
        {
            arrived += TracePodOf(pod).Members > 1 ? 1 : 0;
        }

        return arrived == 0 ? null : new GangOutcomes
        {
            Waits = new Waits(_gangWaits, arrived),
            Racks = _cluster.RackLevel is null || _gangWaits.Count == 0 ? null : (double)_gangDomains / _gangWaits.Count,
            Nodes = _gangWaits.Count == 0 ? null : (double)_gangNodes / _gangWaits.Count,
        };
    }

    /// <summary>Pods in the queue, those that the run began with left out.</summary>
    private int Waiting() => _waiting.Values.Sum(q => q.Count(p => p >= _workload.Initial));

    private void Enqueue(int pod)
    {
        var template = TemplateOf(pod);
        if (!_waiting.TryGetValue(template, out var queue))
        {
            _waiting[template] = queue = new Queue<int>();
        }

        queue.Enqueue(pod);
    }

    /// <summary>Tries the pods that have just arrived, nothing having left.</summary>
    private void StartArrived(int first, int end, long now)
    {
        foreach (var pod in Enumerable.Range(first, end - first).OrderByDescending(p => TemplateOf(p).Priority))
        {
            if (_waiting.TryGetValue(TemplateOf(pod), out var queue) && queue.Count > 0)
            {
                Enqueue(pod);
            }
            else if (!TryStart(pod, now))
            {
                Enqueue(pod);
            }
        }
    }

    /// <summary>Tries the queue in its order, each kind until one of it fails.</summary>
    private void StartWaiting(long now)
    {
        var kinds = new PriorityQueue<Queue<int>, (long Priority, int Pod)>();
        foreach (var queue in _waiting.Values)
        {
            if (queue.TryPeek(out var pod))
            {
                kinds.Enqueue(queue, (-(long)TemplateOf(pod).Priority, pod));
            }
        }

        while (kinds.TryDequeue(out var queue, out _))
        {
            if (TryStart(queue.Peek(), now))
            {
                queue.Dequeue();
                if (queue.TryPeek(out var pod))
                {
                    kinds.Enqueue(queue, (-(long)TemplateOf(pod).Priority, pod));
                }
            }
        }
    }

    private bool TryStart(int pod, long now)
    {
        var arrived = _arrivals[pod];
        if (!_cluster.Place(arrived))
        {
            return false;
        }

        var arrival = _workload.Pods[pod];
        if (pod >= _workload.Initial)
        {
            _waits.Add(now - arrival.AtMs);
            if (arrived.IsGang)
            {
                _gangWaits.Add(now - arrival.AtMs);
                _gangDomains += _cluster.RackLevel is { } level ? _cluster.DomainsOf(arrived, level) : 0;
                _gangNodes += _cluster.DomainsOf(arrived, NetworkTopology.NodeLevel);
            }
        }

        _leaving.Enqueue(pod, (now + arrival.DurationMs, pod));
        return true;
    }
}
