using System.CommandLine;
using GpuScheduler.Kubectl.Commands;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl;

/// <summary>The program without its process: commands, and what becomes of errors.</summary>
internal static class KubectlProgram
{
    /// <summary>Exit code when what is asked for is not there, or cannot be.</summary>
    public const int Cannot = 1;

    /// <summary>Exit code when the command line cannot be used.</summary>
    public const int BadCommandLine = 2;

    private const string Intro = """
        Asks gpu-scheduler about GPUs: why a pod or gang waits, who holds which GPU, and what would happen if.
        Nothing is changed by any command. The service is reached through the API server, or directly with --server.
        Try: kubectl gpu nodes; kubectl gpu why POD; kubectl gpu what-if -f job.yaml
        """;

    /// <summary>Runs a command line.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="errors">Where errors go.</param>
    /// <param name="input">Where -f - is read from.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <returns>0, <see cref="Cannot"/> or <see cref="BadCommandLine"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter errors, TextReader input, TimeProvider? time = null)
    {
        var session = new Session(new Screen(output), input, time ?? TimeProvider.System);
        var screen = new Screen(errors);
        var root = new RootCommand(Intro)
        {
            WhyCommand.Create(session),
            NodesCommand.Create(session),
            TopologyCommand.Create(session),
            GangsCommand.Create(session),
            WhatIfCommand.Create(session),
            DrainPlanCommand.Create(session),
            ShortfallCommand.Create(session),
            AdviseCommand.Create(session),
            ShadowCommand.Create(session),
            ForecastCommand.Create(session),
        };
        session.Options.AddTo(root);
        var parsed = root.Parse(args.Count == 0 ? ["--help"] : args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                screen.Line($"error: {error.Message}");
            }

            screen.Line($"See: kubectl gpu {(parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ")}--help");
            return BadCommandLine;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = errors });
        }
        catch (UsageException e)
        {
            screen.Line($"error: {e.Message}");
            return BadCommandLine;
        }
        catch (CannotException e)
        {
            screen.Line($"error: {e.Message}");
            return Cannot;
        }
        catch (OperationCanceledException)
        {
            screen.Line("interrupted");
            return 130;
        }
    }
}
