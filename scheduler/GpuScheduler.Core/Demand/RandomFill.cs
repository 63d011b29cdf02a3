namespace GpuScheduler.Core.Demand;

/// <summary>
/// What stays free when pods are offered in random order, each that fits is taken, and the offers end at some time. Tables of it are
/// filled from small to large: what is left depends on what is left of less.
/// </summary>
internal static class RandomFill
{
    /// <summary>Pods that are offered before what is free counts as wasted.</summary>
    private const double Offers = 60;

    /// <summary>
    /// What is left of something free: with the probability that a pod that fits comes at all before the offers end, the mean over
    /// those that fit; else all of it.
    /// </summary>
    /// <param name="fitting">Share of the pods that fit.</param>
    /// <param name="after">What is left once one of them is in, times its share, summed over those that fit.</param>
    /// <param name="free">What is free.</param>
    public static double Left(double fitting, double after, double free)
    {
        var taken = fitting / (fitting + (1 / Offers));
        return fitting > 0 ? (taken * after / fitting) + ((1 - taken) * free) : free;
    }
}
