namespace GpuScheduler.Core.Policies;

/// <summary>The node that the published policies measure by, whatever the real one has: the largest of their experiment.</summary>
internal static class Scale
{
    /// <summary>CPU, in milli-CPU.</summary>
    public const double CpuMilli = 128_000;

    /// <summary>Eight cards, in milli-GPU.</summary>
    public const int CardMilli = 8_000;
}
