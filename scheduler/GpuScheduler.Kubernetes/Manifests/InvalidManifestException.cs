namespace GpuScheduler.Kubernetes.Manifests;

/// <summary>A manifest cannot be used. The message says which object or line, and what to change.</summary>
public sealed class InvalidManifestException : Exception
{
    /// <summary>Creates one.</summary>
    /// <param name="message">Where, what is wrong and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public InvalidManifestException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
