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

    /// <summary>A change of what is known of the objects that declare groups of pods.</summary>
    GroupChange,

    /// <summary>The solver answered a question about gangs.</summary>
    Solved,

    /// <summary>A member of a gang came to bind, and waits for the others.</summary>
    Arrive,

    /// <summary>Such a member was promised its devices, or sent back.</summary>
    Answered,

    /// <summary>Time passed for gangs.</summary>
    Turn,

    /// <summary>The last line of a recording that reached its size.</summary>
    Full,
}
