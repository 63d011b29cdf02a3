namespace GpuScheduler.Kubernetes;

/// <summary>The lock of a node by which HAMi's device plugin finds the pod whose devices it is asked for.</summary>
public interface INodeLock
{
    /// <summary>Takes the lock for a pod, and waits for who holds it. The plugin releases it once it has handed out the pod's devices.</summary>
    /// <param name="node">Name of the node.</param>
    /// <param name="podNamespace">Namespace of the pod.</param>
    /// <param name="podName">Name of the pod.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null when the pod has it; else why it has not.</returns>
    Task<string?> TakeAsync(string node, string podNamespace, string podName, CancellationToken cancellationToken);

    /// <summary>Gives the lock back, if the pod has it, because the pod was not bound. A failure is logged: the lock ends by itself after minutes.</summary>
    /// <param name="node">Name of the node.</param>
    /// <param name="podNamespace">Namespace of the pod.</param>
    /// <param name="podName">Name of the pod.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    Task ReleaseAsync(string node, string podNamespace, string podName, CancellationToken cancellationToken);
}
