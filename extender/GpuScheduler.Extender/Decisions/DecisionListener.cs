using System.Threading.Channels;

namespace GpuScheduler.Extender.Decisions;

/// <summary>Decisions on their way to one who follows them. Whoever does not keep up never holds up a decision.</summary>
internal sealed class DecisionListener(DecisionLog log, int capacity, bool skips) : IDisposable
{
    private readonly Channel<DecisionRecord> _channel = Channel.CreateBounded<DecisionRecord>(new BoundedChannelOptions(capacity) { SingleReader = true });
    private long _skipped;

    /// <summary>The decisions, in order. It completes when the listener fell too far behind.</summary>
    public ChannelReader<DecisionRecord> Decisions => _channel.Reader;

    /// <summary>How many decisions were left out since the last call.</summary>
    public long TakeSkipped() => Interlocked.Exchange(ref _skipped, 0);

    /// <summary>Takes a decision without waiting. False when there is no room and this listener leaves nothing out: it is over then.</summary>
    public bool Offer(DecisionRecord decision)
    {
        if (_channel.Writer.TryWrite(decision))
        {
            return true;
        }

        if (skips)
        {
            Interlocked.Increment(ref _skipped);
            return true;
        }

        _channel.Writer.TryComplete();
        return false;
    }

    public void Dispose()
    {
        log.Remove(this);
        _channel.Writer.TryComplete();
    }
}
