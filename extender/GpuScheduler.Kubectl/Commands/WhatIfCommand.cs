using System.CommandLine;
using System.Text;
using GpuScheduler.Kubectl.Output;
using GpuScheduler.Kubectl.Transport;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>what-if: where a manifest's pods would go.</summary>
internal static class WhatIfCommand
{
    public static Command Create(Session session)
    {
        var file = new Option<string>("--filename", "-f") { Description = "The manifest, or - for the standard input.", HelpName = "FILE", Required = true };
        var command = new Command("what-if", """
            Says where the pods of a manifest would go if they came now, and what they would lack. Nothing is created and nothing held.
            Reads pods, Jobs, CronJobs, JobSets, PyTorchJobs, MPIJobs, LeaderWorkerSets, Deployments, ReplicaSets, StatefulSets and PodGroups, in one YAML file or JSON.
            Exit code 1 when something does not fit.
            Example: kubectl gpu what-if -f job.yaml
            """) { file };
        session.Run(command, (parsed, cluster, cancellation) => AskAsync(session, parsed.GetValue(file)!, cluster, cancellation));
        return command;
    }

    private static async Task<Answer> AskAsync(Session session, string file, Cluster cluster, CancellationToken cancellation)
    {
        string text;
        try
        {
            text = file == "-" ? await session.Input.ReadToEndAsync(cancellation) : await File.ReadAllTextAsync(file, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"-f {file} cannot be read: {e.Message}", e);
        }

        var json = await cluster.AskAsync($"v1/what-if?namespace={Session.Part(cluster.Namespace)}", Encoding.UTF8.GetBytes(text), cancellation);
        return new Answer(json, screen => Show(screen, json), json.Flag("allFit") ? 0 : KubectlProgram.Cannot);

        void Show(Screen screen, System.Text.Json.Nodes.JsonObject answer)
        {
            var work = answer.Items("work").ToList();
            Work.ShowPlaces(screen, work);
            Work.ShowRefused(screen, work);
            foreach (var waiting in answer.Items("waitingFor"))
            {
                screen.Line($"gang {waiting.Text("gang")} would wait: {waiting.Text("reason")}");
            }

            foreach (var note in answer.Items("notes"))
            {
                screen.Line($"note: {note.Text()}");
            }
        }
    }
}
