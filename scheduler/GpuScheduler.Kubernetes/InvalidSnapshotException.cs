namespace GpuScheduler.Kubernetes;

/// <summary>A snapshot file cannot be used. The message names the file, the line where there is one, and what to change.</summary>
public sealed class InvalidSnapshotException : Exception
{
    /// <summary>Creates one.</summary>
    /// <param name="message">File, line, what is wrong and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public InvalidSnapshotException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
