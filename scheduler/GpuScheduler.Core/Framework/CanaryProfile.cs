namespace GpuScheduler.Core.Framework;

/// <summary>
/// A second profile that decides for some namespaces, on the same cluster and in the same ledger. It sees every pod that arrives, so
/// that it learns what the first one does.
/// </summary>
/// <param name="Name">Its name, in decisions and metrics.</param>
/// <param name="Policy">Name of its policy (<see cref="Policies.PlacementPolicies"/>).</param>
/// <param name="Profile">The plugins.</param>
/// <param name="Namespaces">For whom it decides. The members of a gang are in one namespace, so that one profile decides for all of them.</param>
public sealed record CanaryProfile(string Name, string Policy, Profile Profile, NamespaceShare Namespaces);
