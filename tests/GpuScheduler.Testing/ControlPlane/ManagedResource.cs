namespace GpuScheduler.Testing.ControlPlane;

/// <summary>An extended resource in an extender's <c>managedResources</c>.</summary>
/// <param name="Name">For instance <c>nvidia.com/gpu</c>.</param>
/// <param name="IgnoredByScheduler">Whether the scheduler's own resource filter leaves it out.</param>
public sealed record ManagedResource(string Name, bool IgnoredByScheduler = false);
