using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Plugins;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// Finds the best node without asking every node anew: scores are kept for every shape of pod and worked out again only for nodes
/// that changed since that shape was last asked for. What it finds is what a scan of all nodes would. Thread-safe.
/// </summary>
/// <param name="cluster">The nodes.</param>
/// <param name="profile">The plugins.</param>
/// <param name="evaluator">Asks them.</param>
/// <param name="mostScores">Most scores kept in all, 8 bytes each; the shapes that were not asked for the longest go first.</param>
internal sealed class ScoreIndex(ClusterState cluster, Profile profile, NodeEvaluator evaluator, long mostScores = ScoreIndex.MostScores)
{
    /// <summary>For 20,000 nodes and 400 shapes of pods: 64 MiB.</summary>
    private const long MostScores = 8 << 20;

    /// <summary>What a shape costs beside its scores, in scores.</summary>
    private const int Overhead = 128;

    /// <summary>So many nodes with too little memory are passed over one by one; then all that are left are looked at in a row.</summary>
    private const int MostPassedOver = 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<ScoreKey, LinkedListNode<ShapeScores>> _shapes = [];
    private readonly LinkedList<ShapeScores> _recent = new();   // the shape asked for last comes first
    private readonly List<int> _changed = [];
    private readonly List<(int Position, double Score)> _passedOver = [];
    private readonly bool _readsMemory = profile.Scores.Any(s => s.Plugin.ReadsMemory);
    private readonly bool _readsDemands = profile.Filters.Any(f => f is NodeDemandsFit);
    private readonly bool _readsData = profile.Scores.Any(s => s.Plugin.ReadsData);
    private long _kept;

    /// <summary>How many shapes there are scores for.</summary>
    public int Shapes => _shapes.Count;

    /// <summary>
    /// The best node among those that pass every filter. None when there is none, even if a node is refused only for a tentative
    /// hold.
    /// </summary>
    /// <param name="pod">The pod; it holds nothing.</param>
    /// <param name="snapshot">The cluster as of the answer.</param>
    /// <param name="someHeld">False when nothing is held tentatively in it.</param>
    public Best Find(PodInfo pod, out Snapshot snapshot, out bool someHeld)
    {
        lock (_gate)
        {
            var shape = CatchUp(pod, out snapshot, out someHeld);
            for (var position = shape.NextUnknown(0); position >= 0; position = shape.NextUnknown(position + 1))
            {
                shape.Set(position, Score(shape.State!, snapshot.Nodes[position]));
            }

            return profile.TieSeed is null ? FindFirst(shape, pod, snapshot) : FindAmong(shape, pod, snapshot);
        }
    }

    /// <summary>
    /// The scores of some nodes as they are now; <see cref="Best.NoScore"/> where the filters refuse a pod like this one, even if
    /// only for a tentative hold.
    /// </summary>
    /// <param name="pod">The pod; what it holds is in its way.</param>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="positions">Positions of the nodes, -1 for a node that is not known.</param>
    /// <param name="scores">Receives the scores.</param>
    /// <returns>False when the positions mean other nodes by now.</returns>
    public bool TryRead(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> positions, Span<double> scores)
    {
        lock (_gate)
        {
            var shape = CatchUp(pod, out var now, out _);
            if (now.Index != snapshot.Index)
            {
                return false;
            }

            for (var i = 0; i < positions.Length; i++)
            {
                var position = positions[i];
                if (position >= 0 && !shape.Knows(position))
                {
                    shape.Set(position, Score(shape.State!, now.Nodes[position]));
                }

                scores[i] = position < 0 ? Best.NoScore : shape.Scores[position];
            }

            return true;
        }
    }

    /// <summary>The best by score, then by position, passing over those without memory for a pod that asks for more than others of its shape.</summary>
    private Best FindFirst(ShapeScores shape, PodInfo pod, Snapshot snapshot)
    {
        var more = ThatAsksForMore(shape, pod);
        var best = new Best(profile, pod);
        _passedOver.Clear();
        for (var position = shape.First(); position >= 0; position = shape.First())
        {
            var score = shape.Scores[position];
            if (more is null || evaluator.Judge(more, snapshot.Nodes[position]!).IsSuccess)
            {
                best.Offer(position, position, score);
                break;
            }

            if (_passedOver.Count == MostPassedOver)
            {
                best = FindAmong(shape, pod, snapshot);
                break;
            }

            _passedOver.Add((position, score));
            shape.Set(position, Best.NoScore);
        }

        foreach (var (position, score) in _passedOver)
        {
            shape.Set(position, score);
        }

        return best;
    }

    private Best FindAmong(ShapeScores shape, PodInfo pod, Snapshot snapshot)
    {
        var more = ThatAsksForMore(shape, pod);
        var best = new Best(profile, pod);
        for (var position = 0; position < shape.Length; position++)
        {
            var score = shape.Scores[position];
            if (best.IsBetter(position, score) && (more is null || evaluator.Judge(more, snapshot.Nodes[position]!).IsSuccess))
            {
                best.Offer(position, position, score);
            }
        }

        return best;
    }

    /// <summary>The pod, when a node that the scores are good for may lack its memory.</summary>
    private static CycleState? ThatAsksForMore(ShapeScores shape, PodInfo pod) =>
        pod.MemoryBytes > shape.State!.Pod.MemoryBytes ? new CycleState(pod) : null;

    /// <summary>The scores of the pod's shape, those forgotten that may not be right any more.</summary>
    private ShapeScores CatchUp(PodInfo pod, out Snapshot snapshot, out bool someHeld)
    {
        var shape = ShapeOf(pod);
        var version = evaluator.Version;
        _changed.Clear();
        var known = cluster.TryCatchUp(ref shape.Seen, _changed, out snapshot, out someHeld);
        _kept -= shape.Room;
        shape.Grow(snapshot.Nodes.Length);
        _kept += shape.Room;
        Forget();
        if (known && shape.State is { } state && pod.MemoryBytes >= state.Pod.MemoryBytes)
        {
            foreach (var position in _changed)
            {
                shape.Forget(position);
            }

            if (version != shape.Version)
            {
                // The plugins score otherwise than before, but the filters refuse what they refused.
                shape.ForgetScores();
            }
        }
        else
        {
            shape.State = shape.State is { } before && before.Pod.MemoryBytes < pod.MemoryBytes ? before : new CycleState(pod);
            shape.Forget();
        }

        shape.Version = version;
        return shape;
    }

    private double Score(CycleState state, NodeInfo? node) =>
        node is not null && evaluator.Judge(state, node).IsSuccess ? evaluator.Score(state, node) : Best.NoScore;

    private ShapeScores ShapeOf(PodInfo pod)
    {
        var key = new ScoreKey(pod.Request, pod.CpuMilli, _readsMemory ? pod.MemoryBytes : 0, _readsDemands ? pod.Demands : null, _readsData ? pod.Data : null);
        if (_shapes.TryGetValue(key, out var entry))
        {
            _recent.Remove(entry);
            _recent.AddFirst(entry);
        }
        else
        {
            _shapes[key] = entry = _recent.AddFirst(new ShapeScores(key));
            _kept += Overhead;
        }

        return entry.Value;
    }

    private void Forget()
    {
        while (_kept > mostScores && _shapes.Count > 1)
        {
            var last = _recent.Last!.Value;
            _recent.RemoveLast();
            _shapes.Remove(last.Key);
            _kept -= last.Room + Overhead;
        }
    }
}
