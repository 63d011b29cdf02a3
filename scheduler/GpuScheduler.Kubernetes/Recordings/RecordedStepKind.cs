namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>What a line of a recording is.</summary>
public enum RecordedStepKind
{
    /// <summary>The first line.</summary>
    Start,

    /// <summary>A change from outside.</summary>
    Change,

    /// <summary>The settings changed while it decided.</summary>
    Settings,

    /// <summary>Nodes were filtered.</summary>
    Filter,

    /// <summary>Nodes were scored.</summary>
    Prioritize,

    /// <summary>Victims were chosen.</summary>
    Preempt,

    /// <summary>Devices were promised, or not, at bind.</summary>
    Promise,

    /// <summary>A promised pod was bound.</summary>
    Commit,

    /// <summary>A promised pod was not bound for certain.</summary>
    BindFailed,

    /// <summary>A decision about a member of a gang, which is not recorded.</summary>
    OfGang,

    /// <summary>The last line of a recording that reached its size.</summary>
    Full,
}
