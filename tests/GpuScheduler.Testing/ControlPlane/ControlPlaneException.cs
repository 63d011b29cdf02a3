namespace GpuScheduler.Testing.ControlPlane;

/// <summary>A process of the test control plane did not do its part; the message shows the end of its log.</summary>
public sealed class ControlPlaneException : Exception
{
    /// <summary>Without a message.</summary>
    public ControlPlaneException()
    {
    }

    /// <summary>With a message.</summary>
    public ControlPlaneException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and what caused it.</summary>
    public ControlPlaneException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
