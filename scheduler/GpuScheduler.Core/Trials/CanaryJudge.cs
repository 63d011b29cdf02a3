using System.Numerics;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Trials;

/// <summary>
/// Watches how a canary does beside the profile that serves, and says when it is to be withdrawn. Thread-safe.
/// </summary>
/// <remarks>
/// A pod counts once, by the first answer about it: how often kube-scheduler asks again says nothing of the profile. Namespaces differ in
/// what they ask for, and large requests are refused more often whoever decides; so pods are compared with those of the same kind
/// (a share, MIG, 1, 2, 3 to 4, 5 to 8 or more whole GPUs), and the differences are added up with the weights of Mantel and Haenszel. The
/// limit is passed when the increase is above it and chance alone would bring it about in one of a hundred looks at most. It is looked at
/// with every pod, so that a canary no worse than the other is withdrawn by chance more often than that; with a limit well above 0 that is rare.
/// Members of gangs are not counted: whether a gang has a place is decided by the solver, and its members wait for each other.
/// </remarks>
public sealed class CanaryJudge
{
    /// <summary>One-sided, for one in a hundred: the 99th percentile of the normal distribution.</summary>
    private const double MostDeviations = 2.326;

    /// <summary>All but this part of the decisions have to be in time.</summary>
    private const double MostSlow = 0.01;

    private const int Strata = 7;

    /// <summary>Counts of a stratum: pods and refusals of the one, pods and refusals of the other.</summary>
    private const int PerStratum = 4;

    private readonly Lock _gate = new();
    private readonly ArrivedPods _decided = new();
    private readonly SlidingCounts _pods;
    private readonly SlidingCounts _decisions;

    /// <summary>A judge who has seen nothing.</summary>
    public CanaryJudge(CanaryLimits limits, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(time);
        Limits = limits;
        _pods = new SlidingCounts(Strata * PerStratum, limits.Window, time);
        _decisions = new SlidingCounts(2, limits.Window, time);
    }

    /// <summary>What is allowed.</summary>
    public CanaryLimits Limits { get; }

    /// <summary>The figures at this moment.</summary>
    public CanaryFigures Figures
    {
        get
        {
            lock (_gate)
            {
                return Count();
            }
        }
    }

    /// <summary>A pod was decided.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="byCanary">True when the canary did.</param>
    /// <param name="refused">True when no node will do.</param>
    /// <param name="took">How long it took.</param>
    /// <param name="isFirst">Receives whether it counts as a pod: the first answer about one that wants GPUs and is in no gang.</param>
    public CanaryVerdict Decided(PodInfo pod, bool byCanary, bool refused, TimeSpan took, out bool isFirst)
    {
        ArgumentNullException.ThrowIfNull(pod);
        isFirst = false;
        if (pod.Gang is not null || !pod.Request.WantsGpu)
        {
            return CanaryVerdict.GoesOn;
        }

        lock (_gate)
        {
            isFirst = _decided.IsNew(pod.Uid);
            if (isFirst)
            {
                var first = (StratumOf(pod.Request) * PerStratum) + (byCanary ? 2 : 0);
                _pods.Add(first);
                if (refused)
                {
                    _pods.Add(first + 1);
                }
            }

            if (!byCanary)
            {
                return CanaryVerdict.GoesOn;
            }

            _decisions.Add(0);
            if (took > Limits.MaxLatency)
            {
                _decisions.Add(1);
            }

            return Judge(Count());
        }
    }

    private CanaryVerdict Judge(in CanaryFigures figures)
    {
        if (figures.BasePods >= Limits.MinPods && figures.CanaryPods >= Limits.MinPods && figures.Increase > Limits.MaxRefusalIncrease && figures.Deviations >= MostDeviations)
        {
            return CanaryVerdict.Refuses;
        }

        return figures.Decisions >= Limits.MinDecisions && figures.Slow > MostSlow * figures.Decisions ? CanaryVerdict.IsSlow : CanaryVerdict.GoesOn;
    }

    private CanaryFigures Count()
    {
        long basePods = 0, baseRefused = 0, canaryPods = 0, canaryRefused = 0;
        double weights = 0, increase = 0, surplus = 0, variance = 0;
        for (var stratum = 0; stratum < Strata; stratum++)
        {
            var at = stratum * PerStratum;
            var (n0, r0, n1, r1) = (_pods[at], _pods[at + 1], _pods[at + 2], _pods[at + 3]);
            if (n0 == 0 || n1 == 0)
            {
                continue; // there is nothing to compare with
            }

            (basePods, baseRefused, canaryPods, canaryRefused) = (basePods + n0, baseRefused + r0, canaryPods + n1, canaryRefused + r1);
            double all = n0 + n1, refused = r0 + r1;
            var weight = n0 * n1 / all;
            weights += weight;
            increase += weight * (((double)r1 / n1) - ((double)r0 / n0));
            surplus += r1 - (n1 * refused / all);
            variance += n0 * n1 * refused * (all - refused) / (all * all * (all - 1));
        }

        return new CanaryFigures(
            basePods, baseRefused, canaryPods, canaryRefused,
            weights > 0 ? increase / weights : 0, variance > 0 ? surplus / Math.Sqrt(variance) : 0, _decisions[0], _decisions[1]);
    }

    private static int StratumOf(GpuRequest request) =>
        request.WholeGpus > 0 ? Math.Min(Strata - 1, 2 + (request.WholeGpus == 1 ? 0 : BitOperations.Log2((uint)request.WholeGpus - 1) + 1))
            : request.Mig.IsEmpty ? 0 : 1;
}
