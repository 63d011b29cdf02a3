using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace GpuScheduler.Kubectl.Output;

/// <summary>JSON for programs: indented, and in ASCII, so that no terminal finds anything to obey in it.</summary>
[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(string))]
internal sealed partial class JsonText : JsonSerializerContext;
