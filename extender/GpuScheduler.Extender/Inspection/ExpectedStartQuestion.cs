using System.Text.Json.Serialization;

namespace GpuScheduler.Extender.Inspection;

/// <summary>The body of POST /v1/expected-start.</summary>
/// <param name="Name">namespace/name of a gang or pod that waits.</param>
/// <param name="Ends">When running pods end at the latest, by their UIDs; of the others nothing is known.</param>
internal sealed record ExpectedStartQuestion([property: JsonRequired] string Name, [property: JsonRequired] Dictionary<string, DateTimeOffset> Ends);
