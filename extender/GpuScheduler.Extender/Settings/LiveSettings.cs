namespace GpuScheduler.Extender.Settings;

/// <summary>Which settings take effect at once when the file changes; the others do at the next start.</summary>
internal static class LiveSettings
{
    /// <summary>Settings, and sections of which all settings are meant.</summary>
    private static readonly string[] s_live =
    [
        "Engine:AnswerOneNode", "Engine:Weights", "Profiles", "Canary", "Holds", "BindTimeout", "HttpTimeout", "Dialects:NodeWait", "Logging",
        "Gangs:BarrierTimeout", "Gangs:PlanHold", "Gangs:Backoff", "Gangs:SolveLimit", "Gangs:KeepForNext", "Gangs:KeepLimit",
        "Gangs:EvictionHold", "Gangs:ReplaceHold", "Gangs:BatchLimit", "Gangs:WeightDecides", "Gangs:WakesPerSecond",
    ];

    /// <summary>True for a setting that takes effect at once.</summary>
    public static bool Has(string name) => s_live.Any(live =>
        name.StartsWith(live, StringComparison.OrdinalIgnoreCase) && (name.Length == live.Length || name[live.Length] == ':'));
}
