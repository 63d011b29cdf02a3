namespace GpuScheduler.Core.Trials;

/// <summary>What is said of a canary.</summary>
public enum CanaryVerdict
{
    /// <summary>It goes on.</summary>
    GoesOn,

    /// <summary>It refuses too much.</summary>
    Refuses,

    /// <summary>It takes too long.</summary>
    IsSlow,
}
