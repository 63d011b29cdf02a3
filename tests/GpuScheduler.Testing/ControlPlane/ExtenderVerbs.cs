namespace GpuScheduler.Testing.ControlPlane;

/// <summary>The extender calls that a scheduler is configured to make.</summary>
[Flags]
public enum ExtenderVerbs
{
    /// <summary>No call at all.</summary>
    None = 0,

    /// <summary>POST <c>filter</c>.</summary>
    Filter = 1,

    /// <summary>POST <c>prioritize</c>.</summary>
    Prioritize = 2,

    /// <summary>POST <c>preempt</c>; stock 1.20 ignores it, see <see cref="KubeSchedulerBinary.Preempting"/>.</summary>
    Preempt = 4,

    /// <summary>POST <c>bind</c>: the extender binds in the scheduler's place.</summary>
    Bind = 8,
}
