namespace GpuScheduler.Extender.Shadow;

/// <summary>The pods that were decided differently last, each once, the newest first. Not thread-safe.</summary>
internal sealed class ShadowDifferences(int most)
{
    private readonly LinkedList<ShadowDifference> _newest = new();
    private readonly Dictionary<string, LinkedListNode<ShadowDifference>> _byPod = new(StringComparer.Ordinal);

    public IEnumerable<ShadowDifference> All => _newest;

    /// <summary>A pod is where it is on both sides now; one that is in the same place on both is no difference any more.</summary>
    public void Note(ShadowDifference now)
    {
        if (_byPod.Remove(now.Uid, out var before))
        {
            _newest.Remove(before);
        }

        if (now.Reference == now.Shadow)
        {
            return;
        }

        _byPod[now.Uid] = _newest.AddFirst(now);
        if (_newest.Count > most)
        {
            _byPod.Remove(_newest.Last!.Value.Uid);
            _newest.RemoveLast();
        }
    }
}
