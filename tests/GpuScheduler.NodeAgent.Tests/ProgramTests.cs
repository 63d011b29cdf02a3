using System.Diagnostics;
using GpuScheduler.Kubernetes;
using GpuScheduler.Testing;
using GpuScheduler.Testing.StandIn;
using Xunit;

namespace GpuScheduler.NodeAgent.Tests;

/// <summary>The program itself, as a process.</summary>
public sealed class ProgramTests
{
    [Fact]
    public async Task Once_prints_the_report_and_nothing_else()
    {
        var machine = Fixtures.Machine("dgx1-v100");
        using var driver = StandInDriver.Create(Scenario.Machine(machine).Add($"xid 5 79"));
        var (code, output, errors) = await RunAsync("--once", "--nvml-library", driver.Library, "--output", "json", "--node-name", "node-7");
        Assert.Equal((0, ""), (code, errors));
        var (node, report) = GpuNodeReader.Read(System.Text.Encoding.UTF8.GetBytes(output));
        Assert.Equal("node-7", node);
        Assert.Equal(machine.Links(asPrinted: true), report.Links);
        Assert.Equal([5], report.Gpus.Where(g => !g.Healthy).Select(g => g.Index));
    }

    [Theory]
    [InlineData("init 9", 3, "modprobe nvidia")]
    [InlineData("init 18", 3, "different driver versions")]
    public async Task A_driver_that_cannot_be_used_ends_it_with_what_to_do(string line, int code, string advice)
    {
        using var driver = StandInDriver.Create(new Scenario().Add($"{line}"));
        var result = await RunAsync("--once", "--nvml-library", driver.Library);
        Assert.Equal((code, ""), (result.Code, result.Output));
        Assert.Contains(advice, result.Errors, StringComparison.Ordinal);
        Assert.Single(result.Errors.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("--once --nvml-library /nonexistent/libnvidia-ml.so", "--nvml-library")]
    [InlineData("--once --output yaml", "json")]
    [InlineData("--once --interval 0", "1 to 3600")]
    public async Task A_wrong_command_line_says_what_is_wrong(string arguments, string word)
    {
        var (code, _, errors) = await RunAsync(arguments.Split(' '));
        Assert.NotEqual(0, code);
        Assert.Contains(word, errors, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "gpu-scheduler-node-agent.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await errors);
    }
}
