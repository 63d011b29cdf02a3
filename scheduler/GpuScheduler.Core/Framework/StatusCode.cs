namespace GpuScheduler.Core.Framework;

/// <summary>What became of a check, in kube-scheduler's terms.</summary>
public enum StatusCode
{
    /// <summary>It passed.</summary>
    Success,

    /// <summary>It failed, and removing pods of lower priority could cure it.</summary>
    Unschedulable,

    /// <summary>It failed, and removing pods cannot cure it.</summary>
    UnschedulableAndUnresolvable,

    /// <summary>Not now: the pod waits for others.</summary>
    Wait,

    /// <summary>The question could not be answered.</summary>
    Error,
}
