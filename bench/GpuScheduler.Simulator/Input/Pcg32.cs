namespace GpuScheduler.Simulator.Input;

/// <summary>
/// The generator behind everything the simulator draws: PCG-XSH-RR 64/32 (M. E. O'Neill, "PCG: A Family of Simple Fast
/// Space-Efficient Statistically Good Algorithms for Random Number Generation", 2014). Written out here so that a seed means the
/// same numbers under every runtime.
/// </summary>
internal sealed class Pcg32
{
    private const ulong Multiplier = 6364136223846793005;

    private readonly ulong _increment;
    private ulong _state;

    /// <summary>Starts a stream.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="stream">Independent streams of one seed, for independent purposes.</param>
    public Pcg32(long seed, DrawStream stream)
    {
        _increment = ((ulong)stream << 1) | 1;
        _state = 0;
        Next();
        _state += (ulong)seed;
        Next();
    }

    /// <summary>32 uniform bits.</summary>
    public uint Next()
    {
        var old = _state;
        _state = (old * Multiplier) + _increment;
        var folded = (uint)(((old >> 18) ^ old) >> 27);
        return uint.RotateRight(folded, (int)(old >> 59));
    }

    /// <summary>A uniform whole number from 0 up to, and not including, <paramref name="bound"/>.</summary>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        var wide = (uint)bound;
        var product = (ulong)Next() * wide;
        if ((uint)product < wide)
        {
            // Lemire's rejection: the few low products that would favour some numbers are drawn again.
            var threshold = (uint)(-bound) % wide;
            while ((uint)product < threshold)
            {
                product = (ulong)Next() * wide;
            }
        }

        return (int)(product >> 32);
    }

    /// <summary>A uniform number in (0, 1), never 0 or 1.</summary>
    public double NextUnit() => (((((ulong)Next() << 32) | Next()) >> 12) + 0.5) / (1UL << 52);

    /// <summary>An exponentially distributed number of the given mean.</summary>
    public double NextExponential(double mean) => -mean * Math.Log(NextUnit());

    /// <summary>A normally distributed number of mean 0 and deviation 1 (Box and Muller).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(NextUnit())) * Math.Cos(2 * Math.PI * NextUnit());

    /// <summary>Brings a list into random order (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
