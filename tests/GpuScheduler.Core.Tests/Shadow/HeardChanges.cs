using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Shadow;

namespace GpuScheduler.Core.Tests.Shadow;

/// <summary>What a cluster has heard, to be told to shadows when the test wants it.</summary>
internal sealed class HeardChanges : IClusterObserver
{
    private readonly Queue<object> _changes = new();

    public void Changing(ClusterChange change) => _changes.Enqueue(change);

    public void GroupsChanging(GroupObjectChange change) => _changes.Enqueue(change);

    public void Forget() => _changes.Clear();

    public void TellTo(ShadowCluster shadow) => TellToAll([shadow]);

    public void TellToAll(IReadOnlyList<ShadowCluster> shadows)
    {
        while (_changes.TryDequeue(out var next))
        {
            foreach (var shadow in shadows)
            {
                if (next is ClusterChange change)
                {
                    shadow.Apply(change);
                }
                else
                {
                    shadow.Apply((GroupObjectChange)next);
                }
            }
        }
    }
}
