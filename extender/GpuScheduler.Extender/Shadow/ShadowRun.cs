using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Shadow;
using GpuScheduler.Extender.Decisions;

namespace GpuScheduler.Extender.Shadow;

/// <summary>One comparison, from a fresh copy of the cluster on. Not thread-safe, but for the view that it gives.</summary>
internal sealed class ShadowRun
{
    /// <summary>Pods decided differently that are shown.</summary>
    private const int MostDifferences = 50;

    /// <summary>Points of the course that are kept.</summary>
    private const int MostPoints = 720;

    private readonly ClusterState _live;
    private readonly TimeProvider _time;
    private readonly ImmutableArray<ShadowCluster> _sides;
    private readonly DateTimeOffset _since;
    private readonly ShadowDifferences _differences = new(MostDifferences);
    private readonly ShadowHistory _history = new(MostPoints);

    /// <summary>Begins.</summary>
    /// <param name="live">The cluster.</param>
    /// <param name="shadow">The profile in question.</param>
    /// <param name="control">The serving profile, made anew; null to compare with the cluster itself.</param>
    /// <param name="gangs">How gangs are planned; null to place their members one by one.</param>
    /// <param name="taken">Called at the moment from which on changes are to be told to <see cref="Take"/>.</param>
    /// <param name="time">The clock.</param>
    public ShadowRun(ClusterState live, Profile shadow, Profile? control, GangOptions? gangs, Action taken, TimeProvider time)
    {
        _live = live;
        _time = time;
        _since = time.GetUtcNow();
        _sides = ShadowCluster.Begin(live, control is null ? [shadow] : [control, shadow], gangs, taken);
        NoteDecided();
    }

    /// <summary>What the profile in question makes of the cluster.</summary>
    public ShadowCluster Shadow => _sides[^1];

    /// <summary>What the serving profile makes of it; null when it is compared with the cluster itself.</summary>
    public ShadowCluster? Control => _sides.Length > 1 ? _sides[0] : null;

    /// <summary>True when <see cref="Retry"/> may find places.</summary>
    public bool CanRetry => _sides.Any(s => s.CanRetry);

    /// <summary>Follows what the cluster has heard.</summary>
    public void Take(ShadowNews news)
    {
        foreach (var side in _sides)
        {
            if (news.Change is { } change)
            {
                side.Apply(change);
            }
            else if (news.Groups is { } groups)
            {
                side.Apply(groups);
            }
            else
            {
                side.Arrive(news.Pod!);
            }
        }

        NoteDecided();
        if (Control is null && news.Change is { Kind: ClusterChangeKind.UpsertPod, Pods: { } pods } && pods.Single() is { NodeName: { } node, Uid: var uid } && Shadow.Pods.TryGetValue(uid, out var pod))
        {
            Note(pod, node, pod.Node);
        }
    }

    /// <summary>Tries again what has no place.</summary>
    public void Retry(Func<bool>? enough = null)
    {
        foreach (var side in _sides)
        {
            side.Retry(enough);
        }

        NoteDecided();
    }

    /// <summary>Looks at all sides.</summary>
    public ShadowView Look()
    {
        var live = SideFigures.Of(_live, Shadow.Pods, null);
        var sides = ImmutableArray.CreateBuilder<(string, SideFigures)>();
        sides.Add((ShadowView.Live, live));
        if (Control is { } control)
        {
            sides.Add((ShadowView.Control, SideFigures.Of(control.Cluster, control.Pods, control)));
        }

        sides.Add((ShadowView.Shadow, SideFigures.Of(Shadow.Cluster, Shadow.Pods, Shadow)));
        var all = sides.DrainToImmutable();
        var now = _time.GetUtcNow();
        _history.Add(new ShadowPoint(now, [.. all.Select(s => s.Item2.IdleGpus)], [.. all.Select(s => s.Item2.WaitingGpus)]));
        return new ShadowView
        {
            Since = _since,
            At = now,
            Pods = Shadow.Pods.Count,
            Sides = all,
            Places = ShadowPlaces.Of(all[^2].Item2.Places, all[^1].Item2.Places),
            Differences = [.. _differences.All],
            History = [.. _history.Points],
        };
    }

    private void NoteDecided()
    {
        var decided = _sides.SelectMany(s => s.TakeDecided()).Select(p => p.Pod.Uid).Distinct(StringComparer.Ordinal);
        if (Control is not { } control)
        {
            // Compared when the cluster has decided, too.
            _ = decided.Count();
            return;
        }

        foreach (var uid in decided)
        {
            if (control.Pods.TryGetValue(uid, out var there) && Shadow.Pods.TryGetValue(uid, out var here))
            {
                Note(here, there.Node, here.Node);
            }
        }
    }

    private void Note(ShadowPod pod, string? reference, string? shadow) => _differences.Note(new ShadowDifference(
        pod.Pod.Uid, _time.GetUtcNow(), pod.Pod.ToString(), RequestWords.Of(pod.Pod), pod.Pod.Gang?.Key.ToString(), reference, shadow));
}
