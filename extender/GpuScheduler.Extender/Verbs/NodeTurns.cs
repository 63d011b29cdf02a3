namespace GpuScheduler.Extender.Verbs;

/// <summary>
/// One bind after the other on a node whose device plugin tells pods apart by the time of their bind: the order of those times must be that
/// of the writes.
/// </summary>
internal sealed class NodeTurns
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Turn> _turns = new(StringComparer.Ordinal);

    /// <summary>Waits for the turn on a node; disposing of it ends it.</summary>
    public async Task<IDisposable> WaitAsync(string node, CancellationToken cancellation)
    {
        Turn? turn;
        lock (_gate)
        {
            if (!_turns.TryGetValue(node, out turn))
            {
                _turns[node] = turn = new Turn(this, node);
            }

            turn.Users++;
        }

        try
        {
            await turn.Free.WaitAsync(cancellation);
            return turn;
        }
        catch
        {
            Leave(turn);
            throw;
        }
    }

    private void Leave(Turn turn)
    {
        lock (_gate)
        {
            if (--turn.Users == 0)
            {
                _turns.Remove(turn.Node);
                turn.Free.Dispose();
            }
        }
    }

    private sealed class Turn(NodeTurns turns, string node) : IDisposable
    {
        public string Node => node;

        public SemaphoreSlim Free { get; } = new(1);

        public int Users { get; set; }

        public void Dispose()
        {
            Free.Release();
            turns.Leave(this);
        }
    }
}
