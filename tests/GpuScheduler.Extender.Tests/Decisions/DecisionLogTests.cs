using System.Globalization;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Extender.Wire;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Decisions;

public sealed class DecisionLogTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly ClusterState _cluster;
    private readonly ExtenderOptions _options = new() { Decisions = { History = 16 } };
    private readonly DecisionLog _log;

    public DecisionLogTests()
    {
        _cluster = new ClusterState(_time, new LedgerOptions());
        _cluster.UpsertNode(new NodeBuilder("n").Gpus("NVIDIA-H100-80GB-HBM3", 8).Build());
        _log = new DecisionLog(_cluster, _options, _time);
    }

    [Fact]
    public void The_last_decisions_are_remembered_and_no_more()
    {
        for (var i = 0; i < 40; i++)
        {
            Refuse(i.ToString(CultureInfo.InvariantCulture));
        }

        Assert.Equal(Enumerable.Range(25, 16).Reverse(), _log.List(null, null, 1000).Select(d => (int)d.Sequence));
    }

    [Fact]
    public void The_refusal_of_a_pod_outlives_the_history_while_the_pod_is_pending()
    {
        _cluster.UpsertPod(new PodBuilder("old").Gpus(9).Build());
        Refuse("old");
        for (var i = 0; i < 40; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            Refuse(i.ToString(CultureInfo.InvariantCulture));
        }

        Assert.Equal("old", _log.Waiting()[0].Pod.Uid);
        Assert.NotNull(_log.FindWaiting("default", "pod-old"));
        _cluster.UpsertPod(new PodBuilder("old").Gpus(1).On("n").Build());
        Assert.Null(_log.FindWaiting("default", "pod-old"));
        Assert.DoesNotContain(_log.Waiting(), w => w.Pod.Uid == "old");
    }

    [Fact]
    public void A_pod_that_the_API_never_shows_is_not_pending_for_ever()
    {
        Refuse("gone");
        Assert.Single(_log.Waiting());
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(_log.Waiting());
    }

    [Fact]
    public void A_pod_that_passed_outlives_the_history_too_and_is_not_among_those_refused()
    {
        _cluster.UpsertPod(new PodBuilder("old").Gpus(1).Build());
        var snapshot = _cluster.Current;
        _log.Filtered(new PodBuilder("old").Gpus(1).Build(), snapshot, [0], [Status.Success], 1);
        for (var i = 0; i < 40; i++)
        {
            Refuse(i.ToString(CultureInfo.InvariantCulture));
        }

        Assert.Equal((false, 1), _log.FindWaiting("default", "pod-old") is { } old ? (old.WasRefused, old.Last.Passed) : default);
        Assert.DoesNotContain(_log.Waiting(), w => w.Pod.Uid == "old");
        Refuse("old");
        Assert.Contains(_log.Waiting(), w => w.Pod.Uid == "old");
        _cluster.UpsertPod(new PodBuilder("old").Gpus(1).On("n").Build());
        Assert.Null(_log.FindWaiting("default", "pod-old"));
    }

    [Fact]
    public void A_bind_ends_the_wait()
    {
        Refuse("a");
        _log.Bound(new BindingArgs("pod-a", "default", "a", "n"), new PodBuilder("a").Gpus(1).Build(), 1, "", DeviceAssignment.Empty);
        Assert.Empty(_log.Waiting());
    }

    [Fact]
    public void Whoever_falls_too_far_behind_is_dropped_and_holds_up_nobody()
    {
        var slow = _log.Listen(4)!;
        var own = _log.ListenForService(4);
        for (var i = 0; i < 10; i++)
        {
            Refuse("a");
        }

        var read = 0;
        while (slow.Decisions.TryRead(out _))
        {
            read++;
        }

        Assert.Equal((4, true), (read, slow.Decisions.Completion.IsCompleted));
        Assert.Equal(6, own.TakeSkipped());
        Assert.False(own.Decisions.Completion.IsCompleted);
        Assert.Equal(10, _log.List(null, null, 100).Count);
    }

    [Fact]
    public void Refusals_are_counted_as_a_plain_loop_counts_them()
    {
        Status[] all = [Status.Success, Reasons.FewFreeGpus, Reasons.Model, Reasons.NoGpu, Reasons.Held, Reasons.UnknownNode, Reasons.GangUnplaced];
        for (var i = 0; i < 30; i++)
        {
            _cluster.UpsertNode(new NodeBuilder(string.Create(CultureInfo.InvariantCulture, $"n{i}")).Gpus("NVIDIA-H100-80GB-HBM3", 8).Build());
        }

        var snapshot = _cluster.Current;
        Gen.Select(Gen.Int[-1, 30], Gen.Int[0, all.Length - 1]).Array[0, 60].Sample(judged =>
        {
            int[] candidates = [.. judged.Select(j => j.Item1)];
            Status[] statuses = [.. judged.Select(j => all[j.Item2])];

            var refusals = RefusalTally.Count(snapshot, candidates, statuses);

            var expected = statuses.Select((s, i) => (Status: s, Name: candidates[i] < 0 ? null : snapshot.Nodes[candidates[i]]?.Facts.Name)).Where(s => !s.Status.IsSuccess).GroupBy(s => s.Status).ToList();
            Assert.Equal(expected.Select(g => (g.Key.Reason, g.Count())).ToHashSet(), refusals.Select(r => (r.Reason, r.Nodes)).ToHashSet());
            Assert.All(refusals, r => Assert.Equal(expected.Single(g => g.Key.Reason == r.Reason).Take(3).Select(s => s.Name).OfType<string>(), r.Examples));
            Assert.Equal(refusals.Select(r => r.Nodes).OrderDescending(), refusals.Select(r => r.Nodes));
        });
    }

    private void Refuse(string uid) => _log.Filtered(new PodBuilder(uid).Gpus(9).Build(), _cluster.Current, [0], [Reasons.TooFewGpus], 0);
}
