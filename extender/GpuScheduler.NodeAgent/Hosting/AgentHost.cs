using GpuScheduler.Kubernetes;
using GpuScheduler.NodeAgent.Nvml;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace GpuScheduler.NodeAgent.Hosting;

/// <summary>Runs the agent as the command line says. Exit code 0; 2 for what the user has to change; 3 without a driver.</summary>
internal static class AgentHost
{
    private const string Program = "gpu-scheduler-node-agent";

    /// <summary>Prints one report, without any access to Kubernetes.</summary>
    public static async Task<int> OnceAsync(NodeAgentOptions options, TextWriter output, TextWriter errors, CancellationToken cancellation)
    {
        using var agent = new Agent(options, () => NvmlLibrary.Open(options.NvmlLibrary), (_, _) => Task.CompletedTask, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        try
        {
            var report = await agent.LookOnceAsync(cancellation);
            await output.WriteLineAsync(System.Text.Encoding.UTF8.GetString(GpuNodeWriter.ToJson(options.NodeName, report, indented: true).Span));
            return 0;
        }
        catch (NvmlException e)
        {
            await errors.WriteLineAsync($"{Program}: {e.Message}");
            return 3;
        }
    }

    /// <summary>Keeps the node's GpuNode object current until it is told to stop.</summary>
    public static async Task<int> RunAsync(NodeAgentOptions options, CancellationToken cancellation)
    {
        using var logs = LoggerFactory.Create(builder => builder.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.ColorBehavior = LoggerColorBehavior.Disabled;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        }));
        try
        {
            using var connection = KubernetesConnection.Create(new KubernetesConnectionOptions { Kubeconfig = options.Kubeconfig });
            var writer = new GpuNodeWriter(connection);
            var logger = logs.CreateLogger(Program);
            Log.Started(logger, options.NodeName, connection.Server, options.NvmlLibrary, options.PodResourcesSocket);
            using var agent = new Agent(options, () => NvmlLibrary.Open(options.NvmlLibrary), (report, token) => writer.ApplyAsync(options.NodeName, report, token), logger);
            await agent.RunAsync(cancellation);
            return 0;
        }
        catch (KubernetesConfigurationException e)
        {
            await Console.Error.WriteLineAsync($"{Program}: {e.Message}");
            return 2;
        }
    }
}
