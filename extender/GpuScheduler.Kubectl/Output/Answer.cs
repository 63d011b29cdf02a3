using System.Text.Json.Nodes;

namespace GpuScheduler.Kubectl.Output;

/// <summary>What a command found.</summary>
/// <param name="Json">It, for programs.</param>
/// <param name="Show">It, for people.</param>
/// <param name="ExitCode">The exit code.</param>
internal sealed record Answer(JsonObject Json, Action<Screen> Show, int ExitCode = 0);
