namespace GpuScheduler.Core.Mig;

/// <summary>
/// The labels of a node by which its MIG layout is changed: NVIDIA's mig-manager (of the GPU operator) applies the configuration that
/// <see cref="Config"/> names, and says in <see cref="State"/> what came of it. Ours make a change that is under way known to the process
/// that comes after.
/// </summary>
public static class MigLabels
{
    /// <summary>The wanted configuration, by its name in the configuration file of mig-parted.</summary>
    public const string Config = "nvidia.com/mig.config";

    /// <summary>What mig-manager says: pending, rebooting, success or failed.</summary>
    public const string State = "nvidia.com/mig.config.state";

    /// <summary>State: applied.</summary>
    public const string Success = "success";

    /// <summary>State: not applied, and nothing more is tried.</summary>
    public const string Failed = "failed";

    /// <summary>Prefix of our labels.</summary>
    public const string Prefix = "gpuscheduler.io/mig-";

    /// <summary>"true" on nodes whose layout may be changed. Set by whoever runs the cluster.</summary>
    public const string Dynamic = Prefix + "dynamic";

    /// <summary>The configuration that a node is being changed to. No pod that wants a GPU is placed on a node that has it.</summary>
    public const string To = Prefix + "changing-to";

    /// <summary>The configuration before; "" for none. It is asked for again when the change fails.</summary>
    public const string From = Prefix + "previous-config";

    /// <summary>When the change began, in seconds since 1970.</summary>
    public const string Since = Prefix + "changing-since";

    /// <summary>"changing", or "restoring" when it failed and the configuration before was asked for again.</summary>
    public const string Phase = Prefix + "phase";

    /// <summary>Longest value of a label.</summary>
    public const int MostLength = 63;
}
