namespace GpuScheduler.NodeAgent.Facts;

/// <summary>The XIDs of each GPU since the driver was loaded and we listen. Safe for several threads.</summary>
internal sealed class XidRecord
{
    /// <summary>As many as the resource definition allows.</summary>
    private const int Most = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<uint>> _byUuid = new(StringComparer.Ordinal);

    /// <summary>Adds an XID. False when the GPU had it already.</summary>
    public bool Add(string uuid, uint xid)
    {
        lock (_gate)
        {
            if (!_byUuid.TryGetValue(uuid, out var xids))
            {
                _byUuid[uuid] = xids = [];
            }

            if (xids.Contains(xid) || xids.Count == Most)
            {
                return false;
            }

            xids.Add(xid);
            return true;
        }
    }

    public uint[] Of(string uuid)
    {
        lock (_gate)
        {
            return _byUuid.TryGetValue(uuid, out var xids) ? [.. xids] : [];
        }
    }

    /// <summary>The driver was loaded anew, and with it every GPU reset.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _byUuid.Clear();
        }
    }
}
