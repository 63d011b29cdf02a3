using System.Collections.Concurrent;

namespace GpuScheduler.Extender.Wire;

/// <summary>
/// Segments of 64 KiB to be used again. The framework's shared pool keeps a few dozen of a size; a request with 5,000 full Nodes
/// needs hundreds. What a minute did not need is given back to the garbage collector.
/// </summary>
internal static class SegmentPool
{
    public const int SegmentSize = 64 * 1024;

    /// <summary>Most that is kept: 128 MiB, the largest body that is accepted by default.</summary>
    private const int Most = 2048;

    private static readonly ConcurrentStack<byte[]> s_free = new();
    private static int s_count;
    private static int s_least;

    public static byte[] Rent()
    {
        if (!s_free.TryPop(out var segment))
        {
            return GC.AllocateUninitializedArray<byte>(SegmentSize);
        }

        var left = Interlocked.Decrement(ref s_count);
        if (left < Volatile.Read(ref s_least))
        {
            Volatile.Write(ref s_least, left);
        }

        return segment;
    }

    public static void Return(byte[] segment)
    {
        if (Volatile.Read(ref s_count) < Most)
        {
            Interlocked.Increment(ref s_count);
            s_free.Push(segment);
        }
    }

    /// <summary>Lets go of the segments that lay unused since the last call.</summary>
    public static void Trim()
    {
        for (var unused = Volatile.Read(ref s_least); unused > 0 && s_free.TryPop(out _); unused--)
        {
            Interlocked.Decrement(ref s_count);
        }

        Volatile.Write(ref s_least, Volatile.Read(ref s_count));
    }
}
