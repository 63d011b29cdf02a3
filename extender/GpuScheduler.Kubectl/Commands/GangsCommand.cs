using System.CommandLine;
using System.Text.Json.Nodes;
using GpuScheduler.Kubectl.Output;
using GpuScheduler.Kubectl.Transport;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>gangs: where they stand.</summary>
internal static class GangsCommand
{
    public static Command Create(Session session)
    {
        var name = new Argument<string?>("GANG") { Description = "One gang, in detail: NAME, or NAMESPACE/NAME.", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all-namespaces", "-A") { Description = "The gangs of all namespaces." };
        var command = new Command("gangs", """
            Lists gangs with their state, their place in the queue and what they lack, or shows one with its members, plan and history.
            Example: kubectl gpu gangs -A; kubectl gpu gangs train -n ml
            """) { name, all };
        session.Run(command, async (parsed, cluster, cancellation) =>
        {
            if (parsed.GetValue(name) is { } one)
            {
                var gang = await cluster.AskAsync(PathOf(one, cluster), cancellation);
                return new Answer(gang, screen => ShowOne(screen, gang));
            }

            var json = await cluster.AskAsync("v1/gangs", cancellation);
            if (!parsed.GetValue(all))
            {
                json["gangs"] = new JsonArray([.. json.Items("gangs").Where(g => g.Text("namespace") == cluster.Namespace).Select(g => g?.DeepClone())]);
            }

            return new Answer(json, screen => ShowAll(screen, [.. json.Items("gangs")], parsed.GetValue(all) ? "" : cluster.Namespace));
        });
        return command;
    }

    /// <summary>Where the service shows a gang.</summary>
    public static string PathOf(string name, Cluster cluster)
    {
        var parts = name.Split('/', 2);
        return parts.Length == 2 ? $"v1/gangs/{Session.Part(parts[0])}/{Session.Part(parts[1])}" : $"v1/gangs/{Session.Part(cluster.Namespace)}/{Session.Part(name)}";
    }

    private static void ShowAll(Screen screen, List<JsonNode?> gangs, string space)
    {
        if (gangs.Count == 0)
        {
            screen.Line(space.Length > 0 ? $"no gang in namespace {space}; -A lists those of all" : "there is no gang");
            return;
        }

        screen.Table(0, ["NAMESPACE", "GANG", "KIND", "STATE", "MEMBERS", "NEEDS", "PLACED", "BOUND", "PRIORITY", "QUEUE", "REASON"], gangs.Select(g => new[]
        {
            g.Text("namespace"), g.Text("name"), g.Text("dialect"), g.Text("state"), $"{g.Text("present")}/{g.Text("size")}", g.Text("minMembers"), g.Text("placed"), g.Text("bound"), g.Text("priority"), g.Text("queuePlace"), g.Text("reason"),
        }));
    }

    private static void ShowOne(Screen screen, JsonObject gang)
    {
        screen.Line($"gang {gang.Text("namespace")}/{gang.Text("name")} ({gang.Text("dialect")}): {gang.Text("state")}{(gang.Text("reason") is { Length: > 0 } reason ? $": {reason}" : "")}");
        screen.Line($"{gang.Text("present")} of {gang.Text("size")} members present, {gang.Text("minMembers")} needed, {gang.Text("placed")} with a place, {gang.Text("bound")} bound; priority {gang.Text("priority")}");
        if (gang.Number("queuePlace") > 0)
        {
            screen.Line($"place {gang.Text("queuePlace")} in the queue");
        }

        if (gang.Items("keptNodes").Select(n => n.Text()).ToList() is { Count: > 0 } kept)
        {
            screen.Line($"kept for it: {JsonView.Count(kept.Count, "node")} ({Work.Some(kept)})");
        }

        if (gang.At("plan") is JsonObject plan)
        {
            screen.Line(plan.Flag("placed") ? $"plan: {plan.Text("proof", "status")} ({plan.Text("proof", "method")}){(plan.Text("domain") is { Length: > 0 } domain ? $", within {domain}" : "")}" : $"plan: none: {plan.Text("proof", "why")}");
        }

        screen.Line();
        screen.Table(0, ["MEMBER", "ROLE", "NODE", "STATE", "DEVICES"], gang.Items("members").Select(m => new[]
        {
            m.Text("pod"), m.Text("role"), m.Text("node"), m.Flag("waitsAtBind") ? "waits at bind" : m.Text("state") is { Length: > 0 } state ? state : m.Flag("counted") ? "counted, asks for no GPU" : "waits", JsonView.Devices(m.At("devices")),
        }));
        foreach (var past in gang.Items("history"))
        {
            screen.Line($"{past.Text("at")}  {past.Text("what")}");
        }
    }
}
