namespace GpuScheduler.Core.Fragmentation;

/// <summary>Where a policy has its typical pods from: a list that stays, or one that is learned as pods arrive.</summary>
public interface ITypicalPodsSource
{
    /// <summary>The typical pods as of now.</summary>
    TypicalPods Current { get; }

    /// <summary>Changes whenever <see cref="Current"/> does.</summary>
    long Version { get; }
}
