namespace GpuScheduler.Kubernetes;

/// <summary>A GpuNode object says something that cannot be. The message names what, in the words of the object.</summary>
public sealed class InvalidReportException : FormatException
{
    /// <summary>Creates one.</summary>
    /// <param name="node">Name of the object, which is the node's.</param>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">The cause.</param>
    public InvalidReportException(string node, string message, Exception? innerException = null)
        : base($"the report of node {node} cannot be used: {message}", innerException) => Node = node;

    /// <summary>Name of the object, which is the node's.</summary>
    public string Node { get; }
}
