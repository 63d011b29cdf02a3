namespace GpuScheduler.Core.Gangs;

/// <summary>Hears of what happens to gangs, for metrics and logs. Called under the lock of the gangs: it must be quick and call nothing back.</summary>
public interface IGangObserver
{
    /// <summary>A plan was made or could not be made.</summary>
    /// <param name="gang">Which gang.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="took">Time for all of it: picking what is free, solving, holding.</param>
    void Planned(GangKey gang, GangPlan plan, TimeSpan took);

    /// <summary>Members that waited at bind go on.</summary>
    /// <param name="gang">Which gang.</param>
    /// <param name="members">How many went on.</param>
    /// <param name="waited">Time since the first of them came.</param>
    void Opened(GangKey gang, int members, TimeSpan waited);

    /// <summary>A gang gave its places back.</summary>
    /// <param name="gang">Which gang.</param>
    /// <param name="why">Why.</param>
    void Released(GangKey gang, string why);
}
