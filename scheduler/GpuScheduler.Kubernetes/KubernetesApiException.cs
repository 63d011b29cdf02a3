using System.Net;

namespace GpuScheduler.Kubernetes;

/// <summary>The API server refused a call, or could not be reached. The message says what to change where that is known.</summary>
public sealed class KubernetesApiException : Exception
{
    /// <summary>Creates one.</summary>
    /// <param name="message">What happened and what to change.</param>
    /// <param name="status">The HTTP status; null when there was no answer.</param>
    /// <param name="innerException">The cause.</param>
    public KubernetesApiException(string message, HttpStatusCode? status = null, Exception? innerException = null)
        : base(message, innerException) => Status = status;

    /// <summary>The HTTP status; null when there was no answer.</summary>
    public HttpStatusCode? Status { get; }

    /// <summary>True when the request certainly never reached the API server.</summary>
    internal bool NeverSent { get; init; }

    /// <summary>How long the API server asks to wait; null when it did not say.</summary>
    internal TimeSpan? RetryAfter { get; init; }

    /// <summary>The reason of the API server's Status object, for example Expired; empty when there was none.</summary>
    internal string Reason { get; init; } = "";
}
