using System.Net;

namespace GpuScheduler.Kubectl.Transport;

/// <summary>An answer over HTTP.</summary>
/// <param name="Status">Its status.</param>
/// <param name="Body">Its body.</param>
internal sealed record Reply(HttpStatusCode Status, byte[] Body);
