namespace GpuScheduler.Simulator.Tests.Reference;

/// <summary>A pod of the reference over time.</summary>
internal sealed record ReferenceJob(ReferencePod Pod, int Priority, long At, long Duration);

/// <summary>
/// Pods over time, in the plainest way: at every moment at which something happens, pods leave, then others arrive, then the whole
/// queue is tried in its order, by FirstFit on the nodes as they are listed.
/// </summary>
internal sealed class ReferenceQueue(IReadOnlyList<ReferenceNode> nodes)
{
    private readonly List<(long End, ReferenceNode Node, ReferencePod Pod, List<int> Cards)> _running = [];

    public List<long> Waits { get; } = [];

    public int NeverStarted { get; private set; }

    public int WaitingAtEnd { get; private set; }

    /// <summary>GPU time in use up to the last arrival, in milli-GPU milliseconds, from a moment on.</summary>
    public double UsedFrom(long from) => _history.Zip(_history.Skip(1)).Sum(h => (double)h.First.Used * Math.Max(0, Math.Min(h.Second.At, _last) - Math.Max(h.First.At, from)));

    private readonly List<(long At, long Used)> _history = [(0, 0)];
    private long _last;

    public void Run(IReadOnlyList<ReferenceJob> jobs)
    {
        _last = jobs.Max(j => j.At);
        var queue = new List<(ReferenceJob Job, int Number)>();
        var next = 0;
        while (next < jobs.Count || _running.Count > 0)
        {
            var now = Math.Min(next < jobs.Count ? jobs[next].At : long.MaxValue, _running.Count > 0 ? _running.Min(r => r.End) : long.MaxValue);
            foreach (var over in _running.Where(r => r.End == now).ToList())
            {
                _running.Remove(over);
                over.Node.Cpu += over.Pod.Cpu;
                over.Node.Memory += over.Pod.Memory;
                over.Cards.ForEach(c => over.Node.Cards[c] += over.Pod.M);
            }

            for (; next < jobs.Count && jobs[next].At == now; next++)
            {
                queue.Add((jobs[next], next));
            }

            foreach (var waiting in queue.OrderByDescending(q => q.Job.Priority).ThenBy(q => q.Number).ToList())
            {
                if (Start(waiting.Job, now))
                {
                    queue.Remove(waiting);
                    Waits.Add(now - waiting.Job.At);
                }
            }

            if (now == _last)
            {
                WaitingAtEnd = queue.Count;
            }

            _history.Add((now, nodes.Sum(n => n.Cards.Sum(c => 1000L - c))));
        }

        NeverStarted = queue.Count;
    }

    private bool Start(ReferenceJob job, long now)
    {
        var pod = job.Pod;
        foreach (var node in nodes)
        {
            var able = Enumerable.Range(0, node.Cards.Length).Where(i => node.Cards[i] >= pod.M).ToList();
            if (node.Cpu < pod.Cpu || node.Memory < pod.Memory || (pod.N > 0 && (!pod.Allows(node.Model) || able.Count < pod.N)))
            {
                continue;
            }

            var cards = pod.M == 1000 ? able.Take(pod.N).ToList() : able.OrderBy(i => node.Cards[i]).ThenBy(i => i).Take(pod.N).ToList();
            cards.ForEach(c => node.Cards[c] -= pod.M);
            node.Cpu -= pod.Cpu;
            node.Memory -= pod.Memory;
            _running.Add((now + job.Duration, node, pod, cards));
            return true;
        }

        return false;
    }
}
