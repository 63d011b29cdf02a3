using GpuScheduler.Simulator.Commands;
using Spectre.Console;

return await SimulatorProgram.RunAsync(args, AnsiConsole.Console, Console.Error);
