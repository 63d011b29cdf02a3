using CsCheck;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using Xunit;

namespace GpuScheduler.Core.Tests.Shadow;

public sealed class ShadowStreamTests
{
    private static readonly Gen<(int Seed, (int What, int With)[] Steps)> s_streams =
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Select(Gen.Int[0, 15], Gen.Int[0, int.MaxValue]).Array[1, 80]);

    [Theory]
    [InlineData("default")]
    [InlineData("bestfit")]
    [InlineData("firstfit")]
    [InlineData("fgd")]
    public void With_the_profile_that_serves_there_is_no_difference_at_any_step(string policy)
    {
        // One that learns renews its prices when it is asked, and asks about those that wait are spared here: as good as none is left of that.
        var learns = Create(policy).Observer is not null;
        var (placed, different) = (0, 0);
        s_streams.Sample((seed, steps) =>
        {
            // One that learns has learned nothing of pods that were there when its shadow began.
            var stream = new ShadowStream(seed, () => Create(policy), before: learns ? 0 : seed % 5);
            for (var i = 0; i < steps.Length && stream.Difference is null; i++)
            {
                stream.Step(steps[i].What, steps[i].With);
            }

            Interlocked.Add(ref different, stream.Difference is null ? 0 : 1);
            Assert.True(learns || stream.Difference is null, stream.Difference);

            Interlocked.Add(ref placed, stream.Placed);
        }, iter: 250);
        Assert.True(placed > 500, $"only {placed} pods were placed: that shows little");
        Assert.True(different <= 5, $"{different} of 250 streams came to differ");
    }

    [Theory]
    [InlineData("random")]
    [InlineData("firstfit")]
    public void Another_profile_goes_its_own_way_holds_nothing_twice_and_touches_nothing_of_the_cluster(string policy)
    {
        var (placed, different, waiting) = (0, 0, 0);
        s_streams.Sample((seed, steps) =>
        {
            var stream = new ShadowStream(seed, () => Create("default"), () => Create(policy), before: seed % 5);
            foreach (var (what, with) in steps)
            {
                stream.Step(what, with);
            }

            Interlocked.Add(ref placed, stream.Placed);
            Interlocked.Add(ref different, stream.Different);
            Interlocked.Add(ref waiting, stream.Waiting);
        }, iter: 500);
        Assert.True(placed > 1000 && different > 200 && waiting > 200, $"{placed} placed, {different} elsewhere, {waiting} wait: that shows little");
    }

    private static Profile Create(string policy) => policy == "default"
        ? Profile.Create(new ScoreWeights())
        : PlacementPolicies.Create(policy, new PolicyContext()) with { Filters = Profile.DefaultFilters };
}
