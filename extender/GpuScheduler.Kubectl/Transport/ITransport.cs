namespace GpuScheduler.Kubectl.Transport;

/// <summary>A way to a server.</summary>
internal interface ITransport
{
    /// <summary>What it leads to, in words for messages.</summary>
    string Target { get; }

    /// <summary>Sends a request and returns the answer, whatever it says.</summary>
    /// <exception cref="CannotException">There was no answer.</exception>
    Task<Reply> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellation);
}
