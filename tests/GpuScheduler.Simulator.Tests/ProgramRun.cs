using GpuScheduler.Simulator.Commands;
using Spectre.Console;

namespace GpuScheduler.Simulator.Tests;

/// <summary>The program, run with arguments.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Errors)
{
    public static async Task<ProgramRun> OfAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(output) });
        var code = await SimulatorProgram.RunAsync(args, console, errors);
        return new ProgramRun(code, output.ToString(), errors.ToString());
    }
}
