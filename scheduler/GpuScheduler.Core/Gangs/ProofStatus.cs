namespace GpuScheduler.Core.Gangs;

/// <summary>What is known of an answer.</summary>
public enum ProofStatus
{
    /// <summary>Nothing better exists.</summary>
    Optimal,

    /// <summary>It can be done as answered; something better is not excluded, but nothing beyond the bound.</summary>
    Feasible,

    /// <summary>It cannot be done.</summary>
    Infeasible,

    /// <summary>Neither a way nor its absence was found within the limit.</summary>
    Undecided,
}
