namespace GpuScheduler.Extender.Verbs;

/// <summary>How a call ended, as the metrics name it.</summary>
internal static class Outcome
{
    /// <summary>Answered with something to go on with.</summary>
    public const string Ok = "ok";

    /// <summary>No node will do, or the bind was refused.</summary>
    public const string Unschedulable = "unschedulable";

    /// <summary>Answered to somebody who only wondered; no decision.</summary>
    public const string Simulated = "simulated";

    /// <summary>The pod's own request cannot be understood.</summary>
    public const string Invalid = "invalid-pod";

    /// <summary>The body cannot be understood.</summary>
    public const string BadRequest = "bad-request";

    /// <summary>Asked before the caches had synced.</summary>
    public const string NotReady = "not-ready";

    /// <summary>A fault of ours.</summary>
    public const string Error = "error";
}
