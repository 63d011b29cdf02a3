using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Shadow;

/// <summary>
/// What the cluster hears, on its way to the shadow. To be called under the lock of the cluster it only ever enqueues; when too much waits, it
/// drops everything and says so, so that decisions never wait for a shadow.
/// </summary>
internal sealed class ShadowFeed(int limit) : IClusterObserver
{
    private readonly object _gate = new(); // a monitor: who takes waits on it
    private List<ShadowNews> _news = [];
    private List<ShadowNews> _spare = [];
    private bool _isOpen;

    /// <summary>How much waits.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _news.Count;
            }
        }
    }

    /// <summary>False once it was closed, or too much waited: what is heard then is lost.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_gate)
            {
                return _isOpen;
            }
        }
    }

    /// <summary>True when it is time to hurry.</summary>
    public bool IsFilling => Count > limit / 2;

    public void Changing(ClusterChange change) => Add(new ShadowNews(Change: change));

    public void GroupsChanging(GroupObjectChange change) => Add(new ShadowNews(Groups: change));

    /// <summary>A pod was decided on of which no watch tells.</summary>
    public void Arrived(PodInfo pod)
    {
        if (pod.WaitsForGpus)
        {
            Add(new ShadowNews(Pod: pod));
        }
    }

    /// <summary>What is heard from now on is kept.</summary>
    public void Open()
    {
        lock (_gate)
        {
            _news.Clear();
            _isOpen = true;
        }
    }

    /// <summary>Nothing is kept any more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isOpen = false;
            _news.Clear();
        }
    }

    /// <summary>All that waits, in its order; waits for something for at most so long. The list is good until the next call.</summary>
    public IReadOnlyList<ShadowNews> Take(TimeSpan atMost)
    {
        lock (_gate)
        {
            if (_news.Count == 0)
            {
                Monitor.Wait(_gate, atMost);
            }

            (_news, _spare) = (_spare, _news);
            _news.Clear();
            return _spare;
        }
    }

    private void Add(ShadowNews news)
    {
        lock (_gate)
        {
            if (!_isOpen)
            {
                return;
            }

            if (_news.Count == limit)
            {
                _isOpen = false;
                _news.Clear();
            }
            else
            {
                _news.Add(news);
            }

            Monitor.Pulse(_gate);
        }
    }
}
