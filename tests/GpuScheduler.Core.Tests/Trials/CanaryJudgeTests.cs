using CsCheck;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Trials;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Trials;

public class CanaryJudgeTests
{
    private static readonly CanaryLimits s_limits = new(TimeSpan.FromMinutes(10), MinPods: 30, MaxRefusalIncrease: 0.1, MinDecisions: 200, MaxLatency: TimeSpan.FromMilliseconds(50));
    private static readonly TimeSpan s_quick = TimeSpan.FromMilliseconds(1);

    private readonly ManualTimeProvider _time = new();
    private readonly CanaryJudge _judge;
    private int _pods;

    public CanaryJudgeTests() => _judge = new CanaryJudge(s_limits, _time);

    [Fact]
    public void A_canary_that_refuses_everything_is_withdrawn_with_the_fewest_pods_that_are_judged()
    {
        Feed(byCanary: false, pods: 100, refused: 5);
        for (var i = 1; i < s_limits.MinPods; i++)
        {
            Assert.Equal(CanaryVerdict.GoesOn, Decide(true, true));
        }

        Assert.Equal(CanaryVerdict.Refuses, Decide(true, true));
        Assert.Equal((100, 5, 30, 30), (_judge.Figures.BasePods, _judge.Figures.BaseRefused, _judge.Figures.CanaryPods, _judge.Figures.CanaryRefused));
    }

    [Fact]
    public void One_that_refuses_as_much_as_the_other_goes_on_however_much_that_is()
    {
        for (var i = 0; i < 1000; i++)
        {
            Assert.Equal(CanaryVerdict.GoesOn, Decide(false, i % 10 < 8));
            Assert.Equal(CanaryVerdict.GoesOn, Decide(true, i % 10 < 8));
        }
    }

    [Fact]
    public void With_nobody_to_compare_with_refusals_are_not_judged() =>
        Assert.Equal(CanaryVerdict.GoesOn, Feed(byCanary: true, pods: 500, refused: 500));

    [Fact]
    public void A_small_increase_is_allowed_however_sure_it_is()
    {
        Feed(byCanary: false, pods: 5000, refused: 500);
        Assert.Equal(CanaryVerdict.GoesOn, Feed(byCanary: true, pods: 5000, refused: 900));
        Assert.True(_judge.Figures.Deviations > 10);
        Assert.InRange(_judge.Figures.Increase, 0.07, 0.09);
    }

    [Fact]
    public void A_pod_counts_once_however_often_it_is_tried()
    {
        Feed(byCanary: false, pods: 100, refused: 0);
        var pod = new PodBuilder("again").Gpus(1).Build();
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(CanaryVerdict.GoesOn, _judge.Decided(pod, true, true, s_quick, out var isFirst));
            Assert.Equal(i == 0, isFirst);
        }

        Assert.Equal((1, 100), (_judge.Figures.CanaryPods, _judge.Figures.Decisions));
    }

    [Fact]
    public void Members_of_gangs_and_pods_without_GPUs_do_not_count()
    {
        _judge.Decided(new PodBuilder("cpu").Build(), true, true, s_quick, out var isFirst);
        Assert.False(isFirst);
        _judge.Decided(new PodBuilder("member").Gpus(1).Annotate(GpuAnnotations.GangName, "g").Annotate(GpuAnnotations.GangMinMembers, "2").Build(), true, true, s_quick, out isFirst);
        Assert.False(isFirst);
        Assert.Equal(default, _judge.Figures);
    }

    [Fact]
    public void Namespaces_that_ask_for_more_are_not_held_against_the_profile()
    {
        // Eight GPUs are hard to get whoever decides: the canary's namespaces ask for little else, the others for hardly any.
        Feed(byCanary: false, pods: 900, refused: 0, gpus: 1);
        Feed(byCanary: false, pods: 100, refused: 90, gpus: 8);
        Assert.Equal(CanaryVerdict.GoesOn, Feed(byCanary: true, pods: 300, refused: 270, gpus: 8));
        Assert.Equal(CanaryVerdict.GoesOn, Feed(byCanary: true, pods: 30, refused: 0, gpus: 1));
        Assert.InRange(_judge.Figures.Increase, -0.01, 0.01);
    }

    [Fact]
    public void What_is_older_than_the_window_does_not_count()
    {
        Feed(byCanary: false, pods: 100, refused: 0);
        Feed(byCanary: true, pods: 29, refused: 29);
        _time.Advance(s_limits.Window + TimeSpan.FromMinutes(1));
        Assert.Equal(CanaryVerdict.GoesOn, Decide(true, true));
        Assert.Equal(0, _judge.Figures.BasePods);
        Assert.Equal(1, _judge.Figures.Decisions);
    }

    [Theory]
    [InlineData(199, 50, CanaryVerdict.GoesOn)]
    [InlineData(200, 2, CanaryVerdict.GoesOn)]
    [InlineData(200, 3, CanaryVerdict.IsSlow)]
    [InlineData(2000, 20, CanaryVerdict.GoesOn)]
    public void It_is_withdrawn_when_more_than_one_of_a_hundred_decisions_take_too_long(int decisions, int slow, CanaryVerdict expected)
    {
        for (var i = 1; i < decisions; i++)
        {
            Assert.Equal(CanaryVerdict.GoesOn, Decide(true, false, i > decisions - slow ? s_limits.MaxLatency * 2 : s_limits.MaxLatency));
        }

        Assert.Equal(expected, Decide(true, false, s_limits.MaxLatency * 2));
    }

    [Fact]
    public void How_long_the_other_profile_takes_is_not_held_against_the_canary()
    {
        for (var i = 0; i < 500; i++)
        {
            Assert.Equal(CanaryVerdict.GoesOn, Decide(false, false, s_limits.MaxLatency * 2));
        }
    }

    [Fact]
    public void Counts_are_those_of_the_last_while_whatever_the_steps() =>
        Gen.Select(Gen.Int[0, 200], Gen.Int[0, 2]).Array[1, 200].Sample(steps =>
        {
            var (time, window) = (new ManualTimeProvider(), TimeSpan.FromSeconds(120));
            var counts = new SlidingCounts(3, window, time);
            var all = new List<(DateTimeOffset At, int Kind)>();
            foreach (var (seconds, kind) in steps)
            {
                time.Advance(TimeSpan.FromSeconds(seconds));
                counts.Add(kind);
                all.Add((time.GetUtcNow(), kind));

                // Exact to a twelfth of the window: the slot of now and the eleven before it.
                var since = new DateTimeOffset((time.GetUtcNow().Ticks / (window / 12).Ticks - 11) * (window / 12).Ticks, TimeSpan.Zero);
                for (var k = 0; k < 3; k++)
                {
                    Assert.Equal(all.Count(a => a.Kind == k && a.At >= since), counts[k]);
                }
            }
        });

    [Fact]
    public void A_canary_no_worse_than_the_other_is_seldom_withdrawn_and_one_much_worse_nearly_always()
    {
        var (wrong, missed) = (0, 0);
        for (var seed = 0; seed < 200; seed++)
        {
            wrong += Withdraws(new Random(seed), 0.2, 0.2) ? 1 : 0;
            missed += Withdraws(new Random(seed), 0.2, 0.5) ? 0 : 1;
        }

        Assert.True(wrong <= 20 && missed <= 4, $"of 200, {wrong} were withdrawn for nothing and {missed} were not");
    }

    private static bool Withdraws(Random random, double often, double oftenByCanary)
    {
        var judge = new CanaryJudge(s_limits, new ManualTimeProvider());
        for (var i = 0; i < 400; i++)
        {
            var byCanary = random.Next(2) == 0;
            var pod = new PodBuilder($"p{i}").Gpus(1 << random.Next(4)).Build();
            if (judge.Decided(pod, byCanary, random.NextDouble() < (byCanary ? oftenByCanary : often), s_quick, out _) != CanaryVerdict.GoesOn)
            {
                return true;
            }
        }

        return false;
    }

    private CanaryVerdict Feed(bool byCanary, int pods, int refused, int gpus = 1)
    {
        // Spread evenly, as a profile that refuses now and then does.
        var verdict = CanaryVerdict.GoesOn;
        for (var i = 0; i < pods; i++)
        {
            verdict = Decide(byCanary, (long)(i + 1) * refused / pods > (long)i * refused / pods, gpus: gpus);
        }

        return verdict;
    }

    private CanaryVerdict Decide(bool byCanary, bool refused, TimeSpan? took = null, int gpus = 1) =>
        _judge.Decided(new PodBuilder($"p{_pods++}").Gpus(gpus).Build(), byCanary, refused, took ?? s_quick, out _);
}
