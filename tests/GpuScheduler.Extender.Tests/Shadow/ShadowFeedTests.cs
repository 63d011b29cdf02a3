using GpuScheduler.Core.Cluster;
using GpuScheduler.Extender.Shadow;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Shadow;

public sealed class ShadowFeedTests
{
    private readonly ShadowFeed _feed = new(3);

    [Fact]
    public void What_is_heard_comes_out_in_its_order_and_only_once()
    {
        _feed.Open();
        _feed.Changing(Gone("a"));
        _feed.Arrived(new PodBuilder("p").Gpus(1).Build());
        _feed.GroupsChanging(new GroupObjectChange { Kind = "k" });
        var news = _feed.Take(TimeSpan.Zero);
        Assert.Equal("a", news[0].Change!.Name);
        Assert.Equal("p", news[1].Pod!.Uid);
        Assert.Equal("k", news[2].Groups!.Kind);
        Assert.Empty(_feed.Take(TimeSpan.Zero));
        Assert.Equal(0, _feed.Count);
    }

    [Fact]
    public void Nothing_is_kept_before_it_is_opened_and_after_it_is_closed()
    {
        _feed.Changing(Gone("a"));
        Assert.Empty(_feed.Take(TimeSpan.Zero));
        _feed.Open();
        _feed.Changing(Gone("b"));
        _feed.Close();
        _feed.Changing(Gone("c"));
        Assert.Empty(_feed.Take(TimeSpan.Zero));
        _feed.Open();
        Assert.Empty(_feed.Take(TimeSpan.Zero));
    }

    [Fact]
    public void Too_much_closes_it_and_what_waited_is_dropped()
    {
        _feed.Open();
        foreach (var name in "abc")
        {
            _feed.Changing(Gone(name.ToString()));
        }

        Assert.True(_feed is { IsOpen: true, IsFilling: true, Count: 3 });
        _feed.Changing(Gone("d"));
        Assert.True(_feed is { IsOpen: false, Count: 0 });
        _feed.Changing(Gone("e"));
        Assert.Empty(_feed.Take(TimeSpan.Zero));
    }

    [Fact]
    public void Pods_that_want_no_GPU_or_are_placed_are_no_news()
    {
        _feed.Open();
        _feed.Arrived(new PodBuilder("cpu").Request("cpu", "1").Build());
        _feed.Arrived(new PodBuilder("placed").Gpus(1).On("a").Build());
        Assert.Equal(0, _feed.Count);
    }

    private static ClusterChange Gone(string name) => new(ClusterChangeKind.DeleteNode) { Name = name };
}
