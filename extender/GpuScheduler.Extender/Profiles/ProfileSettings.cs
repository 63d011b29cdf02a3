using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;

namespace GpuScheduler.Extender.Profiles;

/// <summary>A profile that is given a name, to be tried beside the one that serves: <c>Profiles:NAME:Policy</c>, <c>Profiles:NAME:Weights</c>.</summary>
public sealed class ProfileSettings
{
    /// <summary>The policy of the service itself; the only one that has <see cref="Weights"/>.</summary>
    public const string OwnPolicy = ServiceProfiles.Own;

    /// <summary>One of <see cref="PlacementPolicies.Names"/>.</summary>
    public string Policy { get; set; } = OwnPolicy;

    /// <summary>How much each part of a score counts, for the policy <see cref="OwnPolicy"/>.</summary>
    public ScoreWeights Weights { get; set; } = new();

    /// <summary>
    /// Makes the profile, with the filters of the service: kube-scheduler judges CPU and memory. For an engine that decides alone there is
    /// <see cref="Profile.WithNodeResources"/>. A profile may learn: engines do not share one.
    /// </summary>
    internal Profile Create() => ServiceProfiles.Create(Policy, Weights);

    /// <summary>Adds what is wrong.</summary>
    internal void Check(string name, List<string> errors)
    {
        if (name.Length is 0 or > 63 || name.Any(c => !(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')))
        {
            errors.Add($"Profiles:{name} is not a name: lower-case letters, digits and '-' are allowed, 63 at most");
        }

        if (!PlacementPolicies.Names.Contains(Policy) || Policy == PlacementPolicies.PodByPod)
        {
            errors.Add($"Profiles:{name}:Policy is \"{Policy}\": {string.Join(", ", PlacementPolicies.Names.Where(p => p != PlacementPolicies.PodByPod))} are allowed");
        }

        CheckWeights($"Profiles:{name}:Weights", Weights, errors);
    }

    /// <summary>Adds what is wrong with weights, wherever they are set.</summary>
    internal static void CheckWeights(string path, ScoreWeights weights, List<string> errors)
    {
        foreach (var (weight, value) in new[] { ("Topology", weights.Topology), ("Stranding", weights.Stranding), ("Locality", weights.Locality) })
        {
            if (!(value >= 0) || double.IsInfinity(value))
            {
                errors.Add($"{path}:{weight} is {value}: a number of 0 or more is allowed");
            }
        }

        if (weights is { Topology: 0, Stranding: 0, Locality: 0 })
        {
            errors.Add($"{path} are all 0: at least one must be more");
        }
    }
}
