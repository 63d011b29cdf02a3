using System.Text.Json;

namespace GpuScheduler.Extender.Canary;

/// <summary>How a canary stands, as JSON.</summary>
internal static class CanaryJson
{
    /// <summary>Writes it as a value.</summary>
    public static void Write(Utf8JsonWriter json, CanaryState? canary)
    {
        json.WriteStartObject();
        json.WriteString("state", canary is null ? "none" : canary.Withdrawn is null ? "serves" : "withdrawn");
        if (canary is not null)
        {
            var (options, limits) = (canary.Options, canary.Judge.Limits);
            var figures = canary.Withdrawn?.Figures ?? canary.Judge.Figures;
            json.WriteString("profile", options.Profile);
            json.WriteString("policy", canary.Policy);
            json.WriteNumber("share", options.Share);
            json.WriteStartArray("namespaces");
            foreach (var name in ListenAddress.Split(options.Namespaces))
            {
                json.WriteStringValue(name);
            }

            json.WriteEndArray();
            json.WriteString("since", canary.Since);
            json.WriteString("window", options.Window.ToString());
            json.WriteStartObject("refusals");
            json.WriteNumber("basePods", figures.BasePods);
            json.WriteNumber("baseRefused", figures.BaseRefused);
            json.WriteNumber("canaryPods", figures.CanaryPods);
            json.WriteNumber("canaryRefused", figures.CanaryRefused);
            json.WriteNumber("increase", Math.Round(figures.Increase, 4));
            json.WriteNumber("deviations", Math.Round(figures.Deviations, 2));
            json.WriteNumber("maxIncrease", limits.MaxRefusalIncrease);
            json.WriteBoolean("isJudged", figures.BasePods >= limits.MinPods && figures.CanaryPods >= limits.MinPods);
            json.WriteEndObject();
            json.WriteStartObject("latency");
            json.WriteNumber("decisions", figures.Decisions);
            json.WriteNumber("slow", figures.Slow);
            json.WriteNumber("maxMilliseconds", limits.MaxLatency.TotalMilliseconds);
            json.WriteBoolean("isJudged", figures.Decisions >= limits.MinDecisions);
            json.WriteEndObject();
        }

        if (canary?.Withdrawn is { } withdrawn)
        {
            json.WriteStartObject("withdrawn");
            json.WriteString("at", withdrawn.At);
            json.WriteString("why", withdrawn.Why);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
