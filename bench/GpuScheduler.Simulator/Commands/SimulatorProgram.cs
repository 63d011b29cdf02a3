using System.CommandLine;
using GpuScheduler.Simulator.Input;
using Spectre.Console;

namespace GpuScheduler.Simulator.Commands;

/// <summary>The program without its process: commands, and what becomes of errors.</summary>
internal static class SimulatorProgram
{
    /// <summary>Exit code when a validation found a deviation, a replay a difference, or an answer was not found.</summary>
    public const int NotAsWanted = 1;

    /// <summary>Exit code when the input cannot be used.</summary>
    public const int BadInput = 2;

    private const string Intro = """
        Offline simulator of gpu-scheduler: how a cluster fills up, and how long pods wait, under the engine's own placement policy and the published ones. It decides nothing itself: every decision is the engine's.
        Try: simulate (a built-in example, seconds), compare --html report.html, simulate --openb DIR --traces default --policies fgd,default.
        """;

    /// <summary>Runs a command line.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="console">Where results go.</param>
    /// <param name="errors">Where errors go.</param>
    /// <returns>0, or what went wrong: 1 as <see cref="NotAsWanted"/> says, 2 as <see cref="BadInput"/> says.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, IAnsiConsole console, TextWriter errors)
    {
        if (!console.Profile.Out.IsTerminal)
        {
            console.Profile.Width = Session.PlainWidth;
        }

        var session = new Session(console, args);
        var root = new RootCommand(Intro)
        {
            SimulateCommand.Simulate(session),
            SimulateCommand.Compare(session),
            WhatIfCommand.Create(session),
            ValidateCommand.Create(session),
            ReplayCommand.Create(session),
            ForecastCommand.Create(session),
        };
        var parsed = root.Parse(args.Count == 0 ? ["--help"] : args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                errors.WriteLine($"error: {error.Message}");
            }

            errors.WriteLine($"See: gpu-scheduler-simulator {(parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ")}--help");
            return BadInput;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = console.Profile.Out.Writer, Error = errors });
        }
        catch (InputException e)
        {
            errors.WriteLine($"error: {e.Message}");
            return BadInput;
        }
        catch (OperationCanceledException)
        {
            errors.WriteLine("interrupted");
            return 130;
        }
    }
}
