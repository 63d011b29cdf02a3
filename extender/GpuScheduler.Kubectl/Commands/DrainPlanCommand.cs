using System.CommandLine;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>drain-plan: where the pods of a node would go.</summary>
internal static class DrainPlanCommand
{
    public static Command Create(Session session)
    {
        var node = new Argument<string>("NODE") { Description = "The node." };
        var command = new Command("drain-plan", """
            Says where the pods with GPUs of a node would go if it were drained, gangs as a whole, and which would find no place. Nothing is moved.
            Exit code 1 when not all of them find one.
            Example: kubectl gpu drain-plan gpu-node-7
            """) { node };
        session.Run(command, async (parsed, cluster, cancellation) =>
        {
            var json = await cluster.AskAsync($"v1/drain-plan/{Session.Part(parsed.GetValue(node)!)}", cancellation);
            var work = json.Items("work").ToList();
            return new Answer(json, Show, json.Flag("allFit") ? 0 : KubectlProgram.Cannot);

            void Show(Screen screen)
            {
                if (work.Count == 0)
                {
                    screen.Line($"no pod on node {json.Text("node")} holds a GPU: nothing of ours stands against draining it");
                }

                Work.ShowPlaces(screen, work);
                Work.ShowRefused(screen, work);
                foreach (var partly in work.Where(w => w.Flag("fits") && w.Text("why").Length > 0))
                {
                    screen.Line($"gang {partly.Text("name")}: {partly.Text("why")}");
                }

                if (json.Number("otherPods") > 0)
                {
                    screen.Line($"{JsonView.Count(json.Number("otherPods"), "pod")} without GPUs, of DaemonSets too, are kube-scheduler's to place and are not looked at");
                }
            }
        });
        return command;
    }
}
