using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Requests;
using GpuScheduler.Kubectl.Output;
using GpuScheduler.Kubectl.Transport;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>why: what a pod or gang waits for.</summary>
internal sealed class WhyCommand(Session session, Cluster cluster, CancellationToken cancellation)
{
    /// <summary>Most gangs that are looked through for a pod's name.</summary>
    private const int MostGangs = 50;

    public static Command Create(Session session)
    {
        var name = new Argument<string>("POD|GANG") { Description = "A pod or a gang: NAME, NAMESPACE/NAME, or pod:NAME and gang:NAME where both exist." };
        var command = new Command("why", $"""
            Says why a pod or gang does not run: what is missing, which nodes were refused for what, whether the gang is complete, its place in the queue, what is kept for it, and by when it can be expected to run, if the pods that run say how long they do: by spec.activeDeadlineSeconds or annotation {GpuAnnotations.ExpectedDuration} (such as 90m or 12h, from the start of the pod).
            Example: kubectl gpu why train-3 -n ml
            """) { name };
        session.Run(command, (parsed, cluster, cancellation) => new WhyCommand(session, cluster, cancellation).AskAsync(parsed.GetValue(name)!));
        return command;
    }

    private async Task<Answer> AskAsync(string asked)
    {
        var kind = asked.StartsWith("pod:", StringComparison.Ordinal) ? "pod" : asked.StartsWith("gang:", StringComparison.Ordinal) ? "gang" : "";
        var name = asked[(kind.Length > 0 ? kind.Length + 1 : 0)..];
        var space = cluster.Namespace;
        if (name.Split('/', 2) is [var before, var after])
        {
            (space, name) = (before, after);
        }

        if (name.Length == 0 || space.Length == 0)
        {
            throw new UsageException($"\"{asked}\" names nothing: NAME or NAMESPACE/NAME is allowed");
        }

        var pod = kind == "gang" ? null : await FindPodAsync(space, name);
        var gang = pod is null && kind != "pod"
            ? await cluster.TryAskAsync($"v1/gangs/{Session.Part(space)}/{Session.Part(name)}", cancellation)
            : pod is null ? null : await GangOfAsync(pod, space, name);
        if (pod is null && gang is null)
        {
            throw new CannotException($"there is no pod and no gang {space}/{name} that gpu-scheduler knows: see kubectl get pods -n {space} and kubectl gpu gangs -n {space}");
        }

        var (state, node) = (pod is null ? gang.Text("state") : pod.Text("state"), pod.Text("node"));
        var waits = pod is null ? state is not "running" : state is not "bound";
        var json = new JsonObject
        {
            ["name"] = $"{space}/{name}",
            ["kind"] = pod is null ? "gang" : "pod",
            ["state"] = state,
            ["node"] = node,
            ["devices"] = pod.At("devices")?.DeepClone(),
            ["missing"] = waits ? Missing(pod, gang) : "",
            ["reasons"] = new JsonArray([.. pod.Items("reasons").Select(r => r?.DeepClone())]),
            ["gang"] = gang is null ? null : Pick(gang, "namespace", "name", "dialect", "state", "reason", "present", "size", "minMembers", "placed", "bound", "priority", "queuePlace", "keptNodes"),
            ["keptForOthers"] = waits ? await KeptForOthersAsync(gang) : null,
            ["expected"] = waits && gang.Text("state") is not ("waiting" or "invalid") ? await ExpectedAsync(gang is null ? $"{space}/{name}" : $"{gang.Text("namespace")}/{gang.Text("name")}") : null,
            ["events"] = new JsonArray([.. pod.Items("events").Select(e => e?.DeepClone())]),
        };
        return new Answer(json, screen => Show(screen, json, waits));
    }

    /// <summary>The pod as the service explains it; where that is older and does not, as the API server shows it.</summary>
    private async Task<JsonObject?> FindPodAsync(string space, string name)
    {
        if (await cluster.TryAskAsync($"v1/pods/{Session.Part(space)}/{Session.Part(name)}", cancellation) is { } explained && explained.Text("state") != "unknown")
        {
            return explained;
        }

        if (await cluster.TryReadAsync($"api/v1/namespaces/{Session.Part(space)}/pods/{Session.Part(name)}", cancellation) is not { } pod)
        {
            return null;
        }

        var condition = pod.Items("status", "conditions").FirstOrDefault(c => c.Text("type") == "PodScheduled");
        var events = await cluster.ListAsync($"api/v1/namespaces/{Session.Part(space)}/events?fieldSelector={Uri.EscapeDataString($"involvedObject.name={name}")}", cancellation);
        return new JsonObject
        {
            ["state"] = pod.Text("spec", "nodeName").Length > 0 ? "bound" : "pending",
            ["node"] = pod.Text("spec", "nodeName"),
            ["devices"] = Parse(pod.Text("metadata", "annotations", GpuAnnotations.AssignedDevices)),
            ["summary"] = condition.Text("message"),
            ["events"] = new JsonArray([.. events.OrderBy(e => e.Text("lastTimestamp"), StringComparer.Ordinal).TakeLast(5).Select(e => new JsonObject { ["at"] = e.Text("lastTimestamp"), ["reason"] = e.Text("reason"), ["message"] = e.Text("message") })]),
        };
    }

    private static JsonNode? Parse(string devices)
    {
        try
        {
            return devices.Length == 0 ? null : JsonNode.Parse(devices) as JsonArray;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    /// <summary>The gang of a pod; null when it is in none that is known.</summary>
    private async Task<JsonObject?> GangOfAsync(JsonObject pod, string space, string name)
    {
        var of = pod.At("gang") is JsonObject described ? described.Text("name") : pod.Text("gang");
        if (of.Length > 0)
        {
            return await cluster.TryAskAsync(GangsCommand.PathOf(of.Contains('/', StringComparison.Ordinal) ? of : $"{space}/{of}", cluster), cancellation);
        }

        if (pod.ContainsKey("gang"))
        {
            return null;
        }

        var gangs = await cluster.TryAskAsync("v1/gangs", cancellation);
        foreach (var gang in gangs.Items("gangs").Where(g => g.Text("namespace") == space && g.Text("state") != "running").Take(MostGangs))
        {
            if (await cluster.TryAskAsync(GangsCommand.PathOf($"{space}/{gang.Text("name")}", cluster), cancellation) is { } found && found.Items("members").Any(m => m.Text("pod") == name))
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>Of the gang first: while it has no place, what its pods are told is said of all nodes alike.</summary>
    private static string Missing(JsonObject? pod, JsonObject? gang) =>
        gang.Text("reason") is { Length: > 0 } reason ? reason
        : pod.Text("summary") is { Length: > 0 } summary ? summary
        : gang.Text("state") is "planned" or "binding" ? "nothing: it has its places and is being bound"
        : "nothing is known to be missing: kube-scheduler has not asked about it yet";

    private static JsonObject Pick(JsonObject from, params ReadOnlySpan<string> names)
    {
        var picked = new JsonObject();
        foreach (var name in names)
        {
            if (from[name] is { } value)
            {
                picked[name] = value.DeepClone();
            }
        }

        return picked;
    }

    /// <summary>Gangs for which nodes are kept now, and how many.</summary>
    private async Task<JsonArray> KeptForOthersAsync(JsonObject? own)
    {
        var gangs = await cluster.TryAskAsync("v1/gangs", cancellation);
        return new JsonArray(
        [
            .. gangs.Items("gangs")
                .Where(g => g.Items("keptNodes").Any() && (g.Text("namespace"), g.Text("name")) != (own.Text("namespace"), own.Text("name")))
                .Select(g => new JsonObject { ["gang"] = $"{g.Text("namespace")}/{g.Text("name")}", ["nodes"] = g.Items("keptNodes").Count() }),
        ]);
    }

    /// <summary>What is known of when it will run; never more than follows from what pods say.</summary>
    private async Task<JsonObject> ExpectedAsync(string name)
    {
        if (!cluster.HasApi)
        {
            return new JsonObject { ["at"] = null, ["text"] = "no time is told: how long pods run is read from the API server, so leave --server out, or add --kubeconfig" };
        }

        var pods = await cluster.ListAsync("api/v1/pods?fieldSelector=status.phase%3DRunning", cancellation);
        var ends = new JsonObject();
        foreach (var (uid, end) in PodEnds.Of(pods, session.Time.GetUtcNow()).OrderBy(e => e.Value).ThenBy(e => e.Key, StringComparer.Ordinal))
        {
            ends[uid] = end.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
        }

        JsonObject answer;
        try
        {
            answer = await cluster.AskAsync("v1/expected-start", Encoding.UTF8.GetBytes(new JsonObject { ["name"] = name, ["ends"] = ends }.ToJsonString()), cancellation);
        }
        catch (CannotException e)
        {
            return new JsonObject { ["at"] = null, ["text"] = $"no time is told: {e.Message}" };
        }

        var (known, running, at) = (answer.Number("knownEnds"), answer.Number("running"), answer.Text("at"));
        var text = answer.Flag("roomNow") ? "there is room for it now, beside all that is before it in the queue: it waits for kube-scheduler to ask again, or for nodes that are kept for others"
            : at.Length > 0 ? $"by {at}, if pods end when they say, and nothing more urgent comes ({known} of {running} pods that hold GPUs say when they end)"
            : known == 0 ? $"no time is known: none of the {running} pods that hold GPUs says how long it runs (spec.activeDeadlineSeconds or annotation {GpuAnnotations.ExpectedDuration})"
            : $"no time is known: even when the {known} of {running} pods that say so have ended there is no room for it";
        return new JsonObject { ["at"] = at.Length > 0 ? at : null, ["roomNow"] = answer.Flag("roomNow"), ["text"] = text };
    }

    private static void Show(Screen screen, JsonObject json, bool waits)
    {
        screen.Line($"{json.Text("kind")} {json.Text("name")}: {json.Text("state")}{(json.Text("node") is { Length: > 0 } node ? $" on node {node}" : "")}{(JsonView.Devices(json.At("devices")) is { Length: > 0 } devices ? $", {devices}" : "")}");
        if (!waits)
        {
            return;
        }

        void Field(string name, string text)
        {
            if (text.Length > 0)
            {
                screen.Line($"  {name + ":",-10}{text}");
            }
        }

        Field("Missing", json.Text("missing"));
        if (json.At("gang") is JsonObject gang)
        {
            var complete = gang.Number("minMembers") > 0 && gang.Number("present") >= gang.Number("minMembers") && gang.Text("state") is not ("waiting" or "invalid");
            Field("Gang", $"{gang.Text("namespace")}/{gang.Text("name")} ({gang.Text("dialect")}), {gang.Text("state")}: {(complete ? "complete" : "not complete")}, {gang.Text("present")} of {gang.Text("size")} members present, {gang.Text("minMembers")} needed, {gang.Text("placed")} with a place, {gang.Text("bound")} bound");
            Field("Queue", gang.Number("queuePlace") > 0 ? $"place {gang.Text("queuePlace")}, priority {gang.Text("priority")}" : complete ? "" : "not in the queue until it is complete");
            if (gang.Items("keptNodes").Select(n => n.Text()).ToList() is { Count: > 0 } kept)
            {
                Field("Kept", $"for it: {JsonView.Count(kept.Count, "node")} ({Work.Some(kept)})");
            }
        }

        foreach (var kept in json.Items("keptForOthers"))
        {
            Field("Kept", $"for gang {kept.Text("gang")}, which is due before others: {JsonView.Count(kept.Number("nodes"), "node")}");
        }

        Field("Expected", json.Text("expected", "text"));
        if (json.Items("reasons").ToList() is { Count: > 0 } reasons)
        {
            screen.Line("  Refused:");
            screen.Table(4, ["NODES", "REASON", "EXAMPLES"], reasons.Select(r => new[] { r.Text("nodes"), r.Text("reason"), Work.Some([.. r.Items("examples").Select(e => e.Text())]) }));
        }

        if (json.Items("events").ToList() is { Count: > 0 } events)
        {
            screen.Line("  Events:");
            screen.Table(4, ["AT", "REASON", "MESSAGE"], events.Select(e => new[] { e.Text("at"), e.Text("reason"), e.Text("message") }));
        }
    }
}
