using System.Globalization;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Groups;

/// <summary>What the status of a group object is to say, each in the words of its kind.</summary>
internal static class GroupStatus
{
    private const string Scheduled = "True";

    /// <summary>
    /// scheduler-plugins' PodGroup: the phase on its way from Pending to Scheduling, and how many are scheduled. All later phases are its
    /// controller's, and no phase goes back.
    /// </summary>
    /// <returns>What is to be changed; null for nothing.</returns>
    public static JsonObject? Coscheduling(JsonNode? present, GangState state, int bound, DateTimeOffset now)
    {
        var change = new JsonObject();
        var phase = (string?)present?["phase"] ?? "";
        var isUnderWay = state is GangState.Planned or GangState.Binding or GangState.Running;
        if (phase.Length == 0 || (phase == "Pending" && isUnderWay))
        {
            change["phase"] = isUnderWay ? "Scheduling" : "Pending";
            if (isUnderWay && present?["scheduleStartTime"] is null)
            {
                change["scheduleStartTime"] = Time(now);
            }
        }

        if (((int?)present?["scheduled"] ?? 0) != bound)
        {
            change["scheduled"] = bound;
        }

        return change.Count > 0 ? change : null;
    }

    /// <summary>
    /// Kubernetes' own PodGroup: whether it was scheduled, as a condition that stays once it is true. A merge patch replaces lists whole,
    /// so that the other conditions are repeated.
    /// </summary>
    /// <returns>What is to be changed; null for nothing.</returns>
    public static JsonObject? Native(JsonNode? present, string version, GangState state, string reason, long generation, DateTimeOffset now)
    {
        if (state is GangState.Planned or GangState.Binding)
        {
            return null;
        }

        var type = version == "v1alpha2" ? "PodGroupScheduled" : "PodGroupInitiallyScheduled";
        var conditions = present?["conditions"]?.AsArray().Select(c => c!.DeepClone().AsObject()).ToList() ?? [];
        var at = conditions.FindIndex(c => (string?)c["type"] == type);
        var (value, why) = state == GangState.Running ? (Scheduled, "Scheduled") : ("False", "Unschedulable");
        if (at >= 0 && ((string?)conditions[at]["status"] == Scheduled || ((string?)conditions[at]["status"] == value && (string?)conditions[at]["message"] == reason)))
        {
            return null;
        }

        var condition = new JsonObject
        {
            ["type"] = type,
            ["status"] = value,
            ["reason"] = why,
            ["message"] = reason,
            ["observedGeneration"] = generation,
            ["lastTransitionTime"] = at >= 0 && (string?)conditions[at]["status"] == value ? (string?)conditions[at]["lastTransitionTime"] ?? Time(now) : Time(now),
        };
        if (at >= 0)
        {
            conditions[at] = condition;
        }
        else
        {
            conditions.Add(condition);
        }

        return new JsonObject { ["conditions"] = new JsonArray([.. conditions]) };
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
