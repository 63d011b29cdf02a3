using System.CommandLine;
using System.Globalization;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Recordings;
using GpuScheduler.Simulator.Input;
using Spectre.Console;

namespace GpuScheduler.Simulator.Commands;

/// <summary>replay: makes the decisions of a recording again.</summary>
internal static class ReplayCommand
{
    private const int MostShown = 20;

    /// <summary>The command.</summary>
    public static Command Create(Session session)
    {
        var recording = new Option<string>("--recording") { Description = "The file that the service wrote with the setting Recording:Path.", HelpName = "FILE", Required = true };
        var command = new Command("replay", "Makes the decisions of a recording again, with the same engine, and says where they come out otherwise. Exit code 1 when one does.") { recording };
        command.SetAction(parsed => Show(session, parsed.GetValue(recording)!));
        return command;
    }

    private static int Show(Session session, string path)
    {
        ReplayResult result;
        try
        {
            result = Replayer.Replay(path);
        }
        catch (InvalidSnapshotException e)
        {
            throw new InputException(e.Message, e);
        }

        foreach (var difference in result.Differences.Take(MostShown))
        {
            session.Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"line {difference.Line}: {difference.What}\n  recorded: {difference.Recorded}\n  replayed: {difference.Replayed}"));
        }

        if (result.Differences.Count > MostShown)
        {
            session.Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"and {result.Differences.Count - MostShown} more"));
        }

        session.Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Decisions} decisions, {result.Changes} changes of the cluster: {(result.Differences.Count == 0 ? "all as recorded" : $"{result.Differences.Count} differ")}{(result.IsFull ? "; the recording had reached its size" : "")}"));
        return result.Differences.Count == 0 ? 0 : SimulatorProgram.NotAsWanted;
    }
}
