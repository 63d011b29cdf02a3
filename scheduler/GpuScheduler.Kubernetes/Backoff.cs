namespace GpuScheduler.Kubernetes;

/// <summary>Pauses that double from failure to failure, each a quarter more or less at random, so that clients part.</summary>
/// <param name="least">The first pause.</param>
/// <param name="most">The longest pause.</param>
/// <param name="random">Parts clients that failed together.</param>
public sealed class Backoff(TimeSpan least, TimeSpan most, Random random)
{
    private int _failures;

    /// <summary>The pause before the next attempt.</summary>
    public TimeSpan Next()
    {
        // Beyond 2^20 times the first pause nothing grows any more.
        var pause = least * (1 << _failures) * (0.75 + (0.5 * random.NextDouble()));
        _failures = Math.Min(_failures + 1, 20);
        return pause < most ? pause : most;
    }

    /// <summary>An attempt succeeded.</summary>
    public void Reset() => _failures = 0;
}
