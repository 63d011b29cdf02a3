using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>What is remembered of a gang beside the ledger. All of it can be lost: the ledger and the API say who has which place.</summary>
internal sealed class GangEntry(GangKey key, DateTimeOffset created)
{
    private const int MostEvents = 20;

    public GangKey Key => key;

    /// <summary>When it was first heard of.</summary>
    public DateTimeOffset Created => created;

    public GangPlan? Plan { get; set; }

    /// <summary>The network whose domains the plan numbers; null when it has none.</summary>
    public NetworkTopology? Network { get; set; }

    /// <summary>The domain around the plan, in words.</summary>
    public string Domain { get; set; } = "";

    /// <summary>Why it has no place; empty when it has.</summary>
    public string Reason { get; set; } = "";

    /// <summary>Members for whom a place was planned and that are not known to have lost it.</summary>
    public HashSet<string> Held { get; } = new(StringComparer.Ordinal);

    /// <summary>When planned places are given back.</summary>
    public DateTimeOffset Expires { get; set; }

    /// <summary>Until when it leaves devices to others.</summary>
    public DateTimeOffset PausedUntil { get; set; }

    /// <summary>How often in a row it gave its places back.</summary>
    public int Failures { get; set; }

    /// <summary>Members that were refused, or sent to be bound and are not seen bound yet, and have not asked again since: kube-scheduler may have put them aside.</summary>
    public HashSet<string> Refused { get; } = new(StringComparer.Ordinal);

    /// <summary>Members among the refused that would be let through now.</summary>
    public Dictionary<string, PodInfo> ToWake { get; } = new(StringComparer.Ordinal);

    /// <summary>The last offer by what the member asked for.</summary>
    public Dictionary<GangShapeKey, GangOffer> Offers { get; } = [];

    /// <summary>The node that a member was offered alone the last time, by UID.</summary>
    public Dictionary<string, string> Glances { get; } = new(StringComparer.Ordinal);

    /// <summary>Members that wait at bind.</summary>
    public Dictionary<string, GangArrival> Arrived { get; } = new(StringComparer.Ordinal);

    /// <summary>When the first of those who wait came.</summary>
    public DateTimeOffset FirstArrival { get; set; }

    /// <summary>The cluster on which no place was found last.</summary>
    public long TriedGeneration { get; set; } = -1;

    /// <summary>The group of which no place was found last.</summary>
    public PodGroup? TriedGroup { get; set; }

    /// <summary>When a place was looked for last.</summary>
    public DateTimeOffset TriedAt { get; set; }

    /// <summary>What was kept from it when no place was found last.</summary>
    public KeptNodes? TriedKept { get; set; }

    /// <summary>Its number among those that wait, from 1; 0 when it does not wait.</summary>
    public int QueuePlace { get; set; }

    /// <summary>The nodes that are kept for it; null when none are.</summary>
    public GangClaim? Claim { get; set; }

    /// <summary>Places of bound members that are gone, until others replace them.</summary>
    public List<GangVacancy> Vacancies { get; } = [];

    /// <summary>These as what is kept for the gang; null when there are none.</summary>
    public GangClaim? Vacated { get; set; }

    /// <summary>All that is kept for it; null when nothing is.</summary>
    public GangClaim? Kept => Room?.Claim ?? Claim ?? Vacated;

    /// <summary>When its turn to have nodes kept for it began; null when it has not.</summary>
    public DateTimeOffset? TurnBegan { get; set; }

    /// <summary>True when its turn is over: others have theirs first.</summary>
    public bool HadTurn { get; set; }

    /// <summary>The cluster on which its claim was looked at last.</summary>
    public long ClaimGeneration { get; set; } = -1;

    /// <summary>When that was.</summary>
    public DateTimeOffset ClaimedAt { get; set; }

    /// <summary>Room that is being made for it; null when none is.</summary>
    public GangRoom? Room { get; set; }

    /// <summary>The cluster on which no room could be made last, and when that was.</summary>
    public (long Generation, DateTimeOffset At) RoomTried { get; set; } = (-1, DateTimeOffset.MinValue);

    public Queue<GangEvent> History { get; } = [];

    public void Note(DateTimeOffset now, string what)
    {
        if (History.Count > 0 && History.Last().What == what)
        {
            return;
        }

        History.Enqueue(new GangEvent(now, what));
        if (History.Count > MostEvents)
        {
            History.Dequeue();
        }
    }
}
