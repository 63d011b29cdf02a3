using System.Text.Json.Serialization;

namespace GpuScheduler.Extender.Inspection;

/// <summary>Readers of the bodies of <see cref="PlanningEndpoints"/>, made by the compiler.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ExpectedStartQuestion))]
internal sealed partial class PlanningJson : JsonSerializerContext;
