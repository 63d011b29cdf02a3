using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Trials;
using GpuScheduler.Extender.Profiles;

namespace GpuScheduler.Extender.Canary;

/// <summary>A profile that serves a share of the namespaces, until it does worse than the other.</summary>
public sealed class CanaryOptions
{
    /// <summary>Name of one of <see cref="ExtenderOptions.Profiles"/>; empty for no canary.</summary>
    public string Profile { get; set; } = "";

    /// <summary>Which part of all namespaces it serves, from 0 to 1. A namespace always gets the same answer, and a greater share adds namespaces.</summary>
    public double Share { get; set; }

    /// <summary>Namespaces that it serves in any case, separated by ';'.</summary>
    public string Namespaces { get; set; } = "";

    /// <summary>Over how long it is compared with the other profile (<see cref="CanaryLimits.Window"/>).</summary>
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>So many pods of either profile have to be decided before refusals are judged (<see cref="CanaryLimits.MinPods"/>).</summary>
    public int MinPods { get; set; } = 30;

    /// <summary>By how much more of its pods it may refuse at first, from 0 to 1 (<see cref="CanaryLimits.MaxRefusalIncrease"/>).</summary>
    public double MaxRefusalIncrease { get; set; } = 0.1;

    /// <summary>So many decisions have to be made before its time is judged (<see cref="CanaryLimits.MinDecisions"/>).</summary>
    public int MinDecisions { get; set; } = 200;

    /// <summary>How long all but one of a hundred of its decisions may take (<see cref="CanaryLimits.MaxLatency"/>).</summary>
    public TimeSpan MaxLatency { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>True when there is one.</summary>
    internal bool IsSet => Profile.Length > 0;

    /// <summary>How badly it may do.</summary>
    internal CanaryLimits Limits => new(Window, MinPods, MaxRefusalIncrease, MinDecisions, MaxLatency);

    /// <summary>Of what it is made.</summary>
    internal CanarySettings Of(IReadOnlyDictionary<string, ProfileSettings> profiles) =>
        new(Profile, profiles[Profile].Policy, profiles[Profile].Weights, new NamespaceShare(Share, Names(Namespaces)));

    /// <summary>Adds what is wrong.</summary>
    internal void Check(IReadOnlyDictionary<string, ProfileSettings> profiles, List<string> errors)
    {
        if (!(Share is >= 0 and <= 1))
        {
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"Canary:Share is {Share}: 0 to 1 is allowed"));
        }

        var named = Names(Namespaces);
        if (!IsSet && (Share > 0 || named.Count > 0))
        {
            errors.Add("Canary:Profile is not set, but Canary:Share or Canary:Namespaces is: name one of Profiles, or remove them");
        }
        else if (IsSet && Profile == Core.Framework.Profile.BaseName)
        {
            errors.Add($"Canary:Profile is \"{Profile}\": that is what the profile is called that serves the others; give it another name under Profiles");
        }
        else if (IsSet && !profiles.ContainsKey(Profile))
        {
            errors.Add($"Canary:Profile is \"{Profile}\": {(profiles.Count == 0 ? "there is none under Profiles" : $"Profiles has {string.Join(", ", profiles.Keys.Order(StringComparer.Ordinal))}")}");
        }
        else if (IsSet && Share == 0 && named.Count == 0)
        {
            errors.Add($"Canary:Profile is \"{Profile}\", but it serves nobody: set Canary:Share, Canary:Namespaces or both, or remove it");
        }

        foreach (var name in named.Where(n => n.Length > 63 || !n.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')))
        {
            errors.Add($"Canary:Namespaces has \"{name}\": that is no name of a namespace; they are separated by ';'");
        }

        CheckTime(errors, "Canary:Window", Window, TimeSpan.FromSeconds(10), TimeSpan.FromHours(24));
        CheckTime(errors, "Canary:MaxLatency", MaxLatency, TimeSpan.FromMilliseconds(0.1), TimeSpan.FromSeconds(30));
        if (!(MaxRefusalIncrease is >= 0 and <= 1))
        {
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"Canary:MaxRefusalIncrease is {MaxRefusalIncrease}: 0 to 1 is allowed"));
        }

        CheckCount(errors, "Canary:MinPods", MinPods);
        CheckCount(errors, "Canary:MinDecisions", MinDecisions);
    }

    private static ImmutableHashSet<string> Names(string list) => [.. ListenAddress.Split(list)];

    private static void CheckTime(List<string> errors, string option, TimeSpan value, TimeSpan least, TimeSpan most)
    {
        if (value < least || value > most)
        {
            errors.Add($"{option} is {value}: {least} to {most} is allowed");
        }
    }

    private static void CheckCount(List<string> errors, string option, int value)
    {
        if (value is < 5 or > 1_000_000)
        {
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"{option} is {value}: 5 to 1000000 is allowed"));
        }
    }
}
