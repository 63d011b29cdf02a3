namespace GpuScheduler.Testing.ControlPlane;

/// <summary>Which scheduler binary of <see cref="ControlPlaneBinaries"/> is run.</summary>
public enum KubeSchedulerBinary
{
    /// <summary><see cref="ControlPlaneBinaries.KubeScheduler"/>, as users have it.</summary>
    Stock,

    /// <summary><see cref="ControlPlaneBinaries.PreemptingScheduler"/>: one that asks extenders about preemption.</summary>
    Preempting,
}
