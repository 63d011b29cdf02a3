using System.CommandLine;
using System.Text.Json;
using GpuScheduler.Kubectl.Output;
using GpuScheduler.Kubectl.Transport;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>What all commands share.</summary>
/// <param name="screen">Where results go.</param>
/// <param name="input">Where -f - is read from.</param>
/// <param name="time">The clock.</param>
internal sealed class Session(Screen screen, TextReader input, TimeProvider time)
{
    public ConnectionOptions Options { get; } = new();

    public TimeProvider Time => time;

    public TextReader Input => input;

    /// <summary>Has a command ask the cluster, and prints what it found.</summary>
    public void Run(Command command, Func<ParseResult, Cluster, CancellationToken, Task<Answer>> action) => command.SetAction(async (parsed, cancellation) =>
    {
        using var cluster = await Options.ConnectAsync(parsed, cancellation);
        var answer = await action(parsed, cluster, cancellation);
        switch (parsed.GetValue(Options.Output))
        {
            case "json":
                screen.Raw(JsonSerializer.Serialize(answer.Json, JsonText.Default.JsonObject) + "\n");
                break;
            case "yaml":
                screen.Raw(YamlText.Of(answer.Json));
                break;
            default:
                answer.Show(screen);
                break;
        }

        return answer.ExitCode;
    });

    /// <summary>A name as part of a path.</summary>
    public static string Part(string name) => name is "." or ".." ? throw new UsageException($"\"{name}\" is no name") : Uri.EscapeDataString(name);
}
