using CsCheck;
using GpuScheduler.Core.Planning;
using Xunit;

namespace GpuScheduler.Core.Tests.Planning;

public sealed class ExpectedStartTests
{
    private static readonly DateTimeOffset s_noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void It_is_the_first_end_after_which_there_is_room() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[0, 60].Array[4], Gen.Bool.Array[4]).Sample(
            (wanted, minutes, known) =>
            {
                var cluster = new SmallCluster().Node("n", 4);
                var ends = new Dictionary<string, DateTimeOffset>();
                for (var i = 0; i < 4; i++)
                {
                    cluster.Bound($"old-{i}", "n", i, 1);
                    if (known[i])
                    {
                        ends[$"old-{i}"] = s_noon.AddMinutes(minutes[i]);
                    }
                }

                cluster.Waits("p", wanted);
                var start = ExpectedStart.Of(cluster.Engine, w => w.Name == "default/pod-p", ends)!;

                var sorted = ends.Values.Order().ToList();
                Assert.Equal(sorted.Count < wanted ? null : sorted[wanted - 1], start.At);
                Assert.Equal((false, ends.Count, 4), (start.HasRoomNow, start.Known, start.Running));
            },
            iter: 100, threads: 1);

    [Fact]
    public void What_is_before_it_in_the_queue_is_served_first()
    {
        var cluster = new SmallCluster().Node("n", 4).Bound("a", "n", 0, 2).Bound("b", "n", 2, 2).Waits("urgent", 2, priority: 5).Waits("p", 2);
        var ends = new Dictionary<string, DateTimeOffset> { ["a"] = s_noon, ["b"] = s_noon.AddHours(1) };

        Assert.Equal(s_noon, ExpectedStart.Of(cluster.Engine, w => w.Name == "default/pod-urgent", ends)!.At);
        Assert.Equal(s_noon.AddHours(1), ExpectedStart.Of(cluster.Engine, w => w.Name == "default/pod-p", ends)!.At);
    }

    [Fact]
    public void Where_there_is_room_already_no_time_is_told()
    {
        var start = ExpectedStart.Of(new SmallCluster().Node("n", 4).Waits("p", 2).Engine, w => w.Name == "default/pod-p", new Dictionary<string, DateTimeOffset>())!;

        Assert.Equal((true, null), (start.HasRoomNow, start.At));
    }

    [Fact]
    public void What_does_not_wait_has_none() =>
        Assert.Null(ExpectedStart.Of(new SmallCluster().Node("n", 4).Engine, _ => true, new Dictionary<string, DateTimeOffset>()));
}
