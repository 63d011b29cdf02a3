using System.Text.Json;

namespace GpuScheduler.Kubernetes;

/// <summary>Reads an object from its JSON.</summary>
/// <param name="json">The object, whole; good until the call returns.</param>
/// <exception cref="JsonException">It cannot be read.</exception>
internal delegate T ObjectReader<out T>(ReadOnlySpan<byte> json);
