using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Extender.Decisions;

/// <summary>Where a pod stands.</summary>
/// <param name="State">pending, bound or unknown.</param>
/// <param name="Pod">The pod; null when it is not known.</param>
/// <param name="Held">What it holds, tentative holds left out; null for nothing.</param>
/// <param name="Tentative">What is held for it tentatively, as a guess; null for nothing.</param>
/// <param name="Gang">Its gang as it stands; null without one.</param>
/// <param name="Last">The last decision about it; null when none is remembered.</param>
/// <param name="Refused">The decision whose refusals explain why it is pending; null when it is not, or nothing was refused.</param>
/// <param name="Since">Since when it waits (when it was decided on first, else when it was made) or, bound by us, runs; null when that is not known.</param>
/// <param name="Summary">The smallest true statement of all this, one sentence.</param>
internal sealed record PodStanding(string State, PodInfo? Pod, Allocation? Held, Allocation? Tentative, GangView? Gang, DecisionRecord? Last, DecisionRecord? Refused, DateTimeOffset? Since, string Summary)
{
    public const string Pending = "pending";
    public const string Bound = "bound";
    public const string Unknown = "unknown";
}
