using GpuScheduler.Extender.Decisions;

namespace GpuScheduler.Extender.Forecasting;

/// <summary>The forecast of GPU demand.</summary>
public sealed class ForecastSettings
{
    /// <summary>In <see cref="Path"/>: the name of the machine, which in a pod is the pod's.</summary>
    public const string Host = "{host}";

    /// <summary>True to remember demand and forecast it; so does a <see cref="Path"/>.</summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// The file in which demand is remembered beyond a restart. "{host}" in it stands for the name of the machine: replicas that share a folder
    /// write a file each, and read all at their start.
    /// </summary>
    public string Path { get; set; } = "";

    /// <summary>Length of a step: the mean of so long is a sample. So many make a day.</summary>
    public TimeSpan Step { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long samples are kept. A forecast looks back five weeks at most.</summary>
    public TimeSpan Keep { get; set; } = TimeSpan.FromDays(60);

    /// <summary>How far ahead is forecast.</summary>
    public TimeSpan Horizon { get; set; } = TimeSpan.FromHours(24);

    /// <summary>For which times ahead there are metrics, separated by ';': minutes, hours or days.</summary>
    public string Leads { get; set; } = "15m;1h;6h;24h";

    internal bool IsEnabled => Enabled || Path.Length > 0;

    /// <summary>The file of this replica; null when there is none.</summary>
    internal string? OwnPath => Path.Length > 0 ? Path.Replace(Host, Environment.MachineName, StringComparison.Ordinal) : null;

    /// <summary>The times ahead, as they are written and as they are.</summary>
    internal IReadOnlyList<(string Name, TimeSpan Lead)> ReadLeads() => [.. ListenAddress.Split(Leads).Select(l => (l, TryReadLead(l) ?? TimeSpan.Zero))];

    /// <summary>What is wrong with the settings; empty when nothing is.</summary>
    internal IEnumerable<string> Problems()
    {
        if (!IsEnabled)
        {
            yield break;
        }

        var errors = new List<string>();
        AuditSettings.CheckPath(errors, "Forecast:Path", Path);
        foreach (var error in errors)
        {
            yield return error;
        }

        if (Step < TimeSpan.FromSeconds(10) || Step > TimeSpan.FromHours(1) || TimeSpan.TicksPerDay % Step.Ticks != 0)
        {
            yield return $"Forecast:Step is {Step}: {TimeSpan.FromSeconds(10)} to {TimeSpan.FromHours(1)} is allowed, so many of which make a day";
        }
        else if (Keep < TimeSpan.FromDays(3) || Keep > 400_000 * Step)
        {
            yield return $"Forecast:Keep is {Keep}: {TimeSpan.FromDays(3)} to 400000 times Forecast:Step is allowed";
        }

        if (Horizon < TimeSpan.FromHours(1) || Horizon > TimeSpan.FromDays(7))
        {
            yield return $"Forecast:Horizon is {Horizon}: {TimeSpan.FromHours(1)} to {TimeSpan.FromDays(7)} is allowed";
        }

        foreach (var lead in ListenAddress.Split(Leads))
        {
            if (TryReadLead(lead) is not { } time || time > Horizon)
            {
                yield return $"Forecast:Leads has \"{lead}\": times such as 15m, 1h or 1d are allowed, up to Forecast:Horizon, which is {Horizon}";
            }
        }

        if (ListenAddress.Split(Leads).Length is 0 or > 8)
        {
            yield return $"Forecast:Leads is \"{Leads}\": one to eight times are allowed";
        }
    }

    private static TimeSpan? TryReadLead(string text) =>
        text.Length is > 1 and <= 6 && int.TryParse(text.AsSpan(0, text.Length - 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) && number > 0
            ? text[^1] switch
            {
                'm' => TimeSpan.FromMinutes(number),
                'h' => TimeSpan.FromHours(number),
                'd' => TimeSpan.FromDays(number),
                _ => null,
            }
            : null;
}
