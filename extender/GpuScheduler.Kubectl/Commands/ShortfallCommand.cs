using System.CommandLine;
using System.Text.Json.Nodes;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>capacity-shortfall: which nodes are missing.</summary>
internal static class ShortfallCommand
{
    public static Command Create(Session session)
    {
        var command = new Command("capacity-shortfall", """
            Says which nodes, of the kinds that the cluster has, would let run the gangs and pods that wait: the fewest, found by trying.
            Example: kubectl gpu capacity-shortfall
            """);
        session.Run(command, async (_, cluster, cancellation) =>
        {
            var json = await cluster.AskAsync("v1/capacity-shortfall", cancellation);
            return new Answer(json, screen => Show(screen, json));
        });
        return command;
    }

    private static void Show(Screen screen, JsonObject json)
    {
        var add = json.Items("add").ToList();
        var (helped, notHelped, haveRoom) = (json.Items("helped").ToList(), json.Items("notHelped").ToList(), json.Items("haveRoom").ToList());
        if (add.Count > 0)
        {
            screen.Line("These nodes would let run what waits:");
            screen.Table(2, ["NODES", "PRODUCT", "GPUS", "MIG", "WHERE", "LIKE"], add.Select(a => new[]
            {
                a.Text("nodes"), a.Text("product"), a.Text("gpus"), a.Text("mig"), a.Text("beside") is { Length: > 0 } beside ? $"in {beside}" : "anywhere", a.Text("like"),
            }));
            var total = add.Sum(a => a.Number("nodes"));
            screen.Line(json.Flag("fewest") ? $"With fewer than {JsonView.Count(total, "node")} they do not all run." : $"Fewer may do, but not fewer than {json.Text("atLeast")}: the search was ended.");
            screen.Line();
        }
        else if (helped.Count + notHelped.Count + haveRoom.Count == 0)
        {
            screen.Line("No pod and no complete gang waits for GPUs.");
        }
        else if (notHelped.Count == 0)
        {
            screen.Line("No node is missing: there is room for all that waits.");
        }

        if (helped.Count > 0)
        {
            screen.Line("They would run:");
            screen.Table(2, ["JOB", "KIND", "SIZE", "NODES"], helped.Select(h => new[] { h.Text("name"), h.Text("kind"), Work.Size(h), Work.Some([.. h.Items("places").Select(p => p.Text("node")).Distinct()]) }));
        }

        if (haveRoom.Count > 0)
        {
            screen.Line("These have room as the cluster is, and wait for their turn, for kube-scheduler, or for nodes that are kept:");
            screen.Table(2, ["JOB", "KIND", "SIZE"], haveRoom.Select(h => new[] { h.Text("name"), h.Text("kind"), Work.Size(h) }));
        }

        if (notHelped.Count > 0)
        {
            screen.Line("No number of nodes of these kinds lets these run:");
            screen.Table(2, ["JOB", "KIND", "SIZE", "WHY"], notHelped.Select(h => new[] { h.Text("name"), h.Text("kind"), Work.Size(h), h.Text("why") }));
        }

        if (json.Items("notTried").Select(n => n.Text()).ToList() is { Count: > 0 } notTried)
        {
            screen.Line($"{JsonView.Count(notTried.Count, "job")} more could not be looked at in the time there is: {Work.Some(notTried)}");
        }
    }
}
