namespace GpuScheduler.Testing;

/// <summary>A container of a pod, for one resource.</summary>
/// <param name="Kind">App, Init or Sidecar.</param>
/// <param name="Amount">What it requests.</param>
public readonly record struct ContainerAmount(ContainerKind Kind, long Amount);

/// <summary>Kinds of containers.</summary>
public enum ContainerKind
{
    /// <summary>spec.containers.</summary>
    App,

    /// <summary>spec.initContainers.</summary>
    Init,

    /// <summary>spec.initContainers with restartPolicy: Always.</summary>
    Sidecar,
}

/// <summary>What a pod needs of a resource, by playing its life: init containers run one after another, sidecars stay.</summary>
public static class PodResourceOracle
{
    /// <summary>The most that runs at once.</summary>
    public static long Needed(IEnumerable<ContainerAmount> containers)
    {
        var list = containers.ToList();
        long running = 0;
        long peak = 0;
        foreach (var container in list.Where(c => c.Kind != ContainerKind.App))
        {
            running += container.Amount;
            peak = Math.Max(peak, running);
            if (container.Kind == ContainerKind.Init)
            {
                running -= container.Amount;
            }
        }

        return Math.Max(peak, running + list.Where(c => c.Kind == ContainerKind.App).Sum(c => c.Amount));
    }
}
