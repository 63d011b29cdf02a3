namespace GpuScheduler.Core.Gangs;

/// <summary>
/// What the best placement of a gang is, among those with the most members and, of these, with the innermost domain around them all.
/// </summary>
/// <param name="Slack">
/// How many domains, on the level just inside the common domain (racks, when it is a spine), may be used beyond the fewest in order to
/// take the common domain with the least room left. 0: never more than the fewest.
/// </param>
/// <param name="NodesBeforeStranding">
/// True to use few nodes first and strand little second; false for the other way round. Both come after the numbers of domains used,
/// counted from the level just inside the common domain inwards.
/// </param>
public sealed record GangObjective(int Slack, bool NodesBeforeStranding)
{
    /// <summary>The tightest common domain within one rack of the fewest; there the fewest racks, the least stranded, the fewest nodes.</summary>
    public static GangObjective Tightest { get; } = new(1, false);

    /// <summary>The fewest racks, then the fewest nodes, then the least stranded.</summary>
    public static GangObjective Compact { get; } = new(0, true);
}
