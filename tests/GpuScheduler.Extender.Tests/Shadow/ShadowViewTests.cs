using GpuScheduler.Extender.Shadow;
using Xunit;

namespace GpuScheduler.Extender.Tests.Shadow;

public sealed class ShadowViewTests
{
    [Fact]
    public void A_pod_is_among_the_differences_once_and_no_longer_when_it_is_none_any_more()
    {
        var differences = new ShadowDifferences(2);
        differences.Note(Of("a", "n1", "n2"));
        differences.Note(Of("b", "n1", null));
        differences.Note(Of("a", "n1", "n3"));
        Assert.Equal(["a n1 n3", "b n1 "], Words());
        differences.Note(Of("c", null, "n1"));
        Assert.Equal(["c  n1", "a n1 n3"], Words());
        differences.Note(Of("c", "n1", "n1"));
        differences.Note(Of("d", null, null));
        Assert.Equal(["a n1 n3"], Words());

        IEnumerable<string> Words() => differences.All.Select(d => $"{d.Uid} {d.Reference} {d.Shadow}");
        static ShadowDifference Of(string uid, string? reference, string? shadow) => new(uid, DateTimeOffset.UnixEpoch, uid, "", null, reference, shadow);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(1000)]
    public void The_course_keeps_its_beginning_and_even_distances_in_a_bounded_number_of_points(int count)
    {
        var history = new ShadowHistory(8);
        for (var i = 0; i < count; i++)
        {
            history.Add(new ShadowPoint(DateTimeOffset.FromUnixTimeSeconds(i), [], []));
        }

        var times = history.Points.Select(p => p.Time.ToUnixTimeSeconds()).ToList();
        Assert.InRange(times.Count, Math.Min(count, 4), 8);
        Assert.Equal(0, times[0]);
        Assert.Single(times.Zip(times.Skip(1), (a, b) => b - a).Append(times.Count == 1 ? 0 : times[1] - times[0]).Distinct());
        Assert.True(count - 1 - times[^1] < Math.Max(1, times.Count == 1 ? 1 : 2 * (times[1] - times[0])), $"{times[^1]} of {count}");
    }

    [Fact]
    public void Pods_are_counted_by_where_the_two_sides_have_them()
    {
        var places = ShadowPlaces.Of(
            new Dictionary<string, string> { ["a"] = "n1", ["b"] = "n1", ["c"] = "n2", ["d"] = "n3" },
            new Dictionary<string, string> { ["a"] = "n1", ["b"] = "n2", ["e"] = "n1" });
        Assert.Equal(new ShadowPlaces(1, 1, 2, 1), places);
        Assert.Equal(0.5, places.PartElsewhere);
        Assert.Null(new ShadowPlaces(0, 0, 3, 0).PartElsewhere);
    }
}
