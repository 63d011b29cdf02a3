namespace GpuScheduler.Extender.Shadow;

/// <summary>A second profile that decides on live traffic without effect.</summary>
public sealed class ShadowSettings
{
    /// <summary>Name of one of <see cref="ExtenderOptions.Profiles"/>; empty for no shadow.</summary>
    public string? Profile { get; set; }

    /// <summary>
    /// True to have the serving profile decide in the same way beside it: then profile is compared with profile. False compares with what became of
    /// the pods in the cluster, where kube-scheduler had its say.
    /// </summary>
    public bool Control { get; set; } = true;

    /// <summary>How often the figures are looked at.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Most changes of the cluster that wait to be followed; with more, the comparison ends and begins anew.</summary>
    public int QueueLimit { get; set; } = 65_536;

    /// <summary>True when there is a shadow.</summary>
    internal bool IsOn => Profile is { Length: > 0 };

    /// <summary>Adds what is wrong.</summary>
    internal void Check(ExtenderOptions options, List<string> errors)
    {
        if (!IsOn)
        {
            return;
        }

        if (!options.Profiles.ContainsKey(Profile!))
        {
            errors.Add($"Shadow:Profile is \"{Profile}\": {(options.Profiles.Count == 0 ? $"there is no such profile; set Profiles:{Profile}:Policy" : $"the profiles are {string.Join(", ", options.Profiles.Keys.Order(StringComparer.Ordinal))}")}");
        }

        if (options.DoNothing)
        {
            errors.Add("Shadow:Profile is set and DoNothing is true: nothing is decided that could be compared; remove one");
        }

        if (Interval < TimeSpan.FromMilliseconds(100) || Interval > TimeSpan.FromHours(1))
        {
            errors.Add($"Shadow:Interval is {Interval}: 00:00:00.1 to 01:00:00 is allowed");
        }

        if (QueueLimit is < 16 or > 10_000_000)
        {
            errors.Add($"Shadow:QueueLimit is {QueueLimit}: 16 to 10000000 is allowed");
        }
    }
}
