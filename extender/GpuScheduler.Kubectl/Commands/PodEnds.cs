using System.Globalization;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>When running pods end, as far as they say so.</summary>
internal static class PodEnds
{
    /// <summary>
    /// The ends by UID: of spec.activeDeadlineSeconds, by which a pod is ended, and <see cref="GpuAnnotations.ExpectedDuration"/>, whichever is
    /// sooner, counted from status.startTime. A pod that has overrun what it said has said nothing.
    /// </summary>
    public static Dictionary<string, DateTimeOffset> Of(IEnumerable<JsonNode> pods, DateTimeOffset now)
    {
        var ends = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var pod in pods)
        {
            if (!DateTimeOffset.TryParse(pod.Text("status", "startTime"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var start))
            {
                continue;
            }

            // Longer ones are no end that anybody waits for.
            var durations = new List<TimeSpan>();
            if (pod.Number("spec", "activeDeadlineSeconds") is > 0 and < 10L * 365 * 24 * 3600 and var seconds)
            {
                durations.Add(TimeSpan.FromSeconds(seconds));
            }

            if (GoDuration.TryParse(pod.Text("metadata", "annotations", GpuAnnotations.ExpectedDuration), out var expected))
            {
                durations.Add(expected);
            }

            if (durations.Count > 0 && start + durations.Min() is var end && end > now)
            {
                ends[pod.Text("metadata", "uid")] = end;
            }
        }

        return ends;
    }
}
