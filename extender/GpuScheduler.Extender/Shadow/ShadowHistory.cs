namespace GpuScheduler.Extender.Shadow;

/// <summary>The whole course of a comparison in a bounded number of points: when there are too many, every second one goes. Not thread-safe.</summary>
internal sealed class ShadowHistory(int most)
{
    private readonly List<ShadowPoint> _points = [];
    private int _every = 1;
    private int _seen;

    public IReadOnlyList<ShadowPoint> Points => _points;

    public void Add(ShadowPoint point)
    {
        if (_seen++ % _every != 0)
        {
            return;
        }

        if (_points.Count == most)
        {
            for (var i = 1; i < _points.Count; i++)
            {
                _points.RemoveAt(i);
            }

            _every *= 2;
        }

        _points.Add(point);
    }
}
