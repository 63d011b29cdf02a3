using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Policies;

/// <summary>Of what a <see cref="CanaryProfile"/> is made.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Policy">One of <see cref="PlacementPolicies.Names"/>.</param>
/// <param name="Weights">How much each part of a score counts, for <see cref="ServiceProfiles.Own"/>.</param>
/// <param name="Namespaces">For whom it decides.</param>
public sealed record CanarySettings(string Name, string Policy, ScoreWeights Weights, NamespaceShare Namespaces);
