using CsCheck;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

public class ClusterStreamTests
{
    [Fact]
    public void Whatever_happens_no_device_is_held_twice_and_a_restart_sees_the_same()
    {
        var (granted, canaries) = (0, 0);
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Select(Gen.Int[0, 39], Gen.Int[0, int.MaxValue]).Array[1, 120]).Sample((seed, steps) =>
        {
            var world = new ClusterWorld(seed);
            foreach (var (what, with) in steps)
            {
                world.Step(what, with);
            }

            world.Settle(seed);
            Interlocked.Add(ref granted, world.Granted);
            Interlocked.Add(ref canaries, world.Canaries);
        }, iter: 1200);
        Assert.True(granted > 3000, $"only {granted} promises: the streams are too quiet");
        Assert.True(canaries > 500, $"only {canaries} canaries");
    }
}
