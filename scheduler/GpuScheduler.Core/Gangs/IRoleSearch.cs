namespace GpuScheduler.Core.Gangs;

/// <summary>Searches one domain for the best way to place several roles.</summary>
internal interface IRoleSearch
{
    /// <summary>What the proof calls it.</summary>
    string Method { get; }

    /// <summary>Places as much value as can be. The level's outer domains are not looked at.</summary>
    RoleAnswer Most(RoleReach reach, int level, int domain, RoleQuestion question, SolveLimit limit);

    /// <summary>Uses as few domains as can be, on the level just inside first, then further in.</summary>
    RoleAnswer Fewest(RoleReach reach, int level, int domain, RoleQuestion question, SolveLimit limit);
}
