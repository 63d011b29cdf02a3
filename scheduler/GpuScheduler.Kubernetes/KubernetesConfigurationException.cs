namespace GpuScheduler.Kubernetes;

/// <summary>There is no usable way to the API server in the configuration. The message says what to change.</summary>
public sealed class KubernetesConfigurationException : Exception
{
    /// <summary>Creates one.</summary>
    /// <param name="message">What is wrong and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public KubernetesConfigurationException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
