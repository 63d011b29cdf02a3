using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.V1;
using RpcException = global::Grpc.Core.RpcException;

namespace GpuScheduler.Extender.Grpc;

/// <summary>Reads pods as gRPC clients describe them.</summary>
internal static class PodMessage
{
    /// <summary>The pod of a message.</summary>
    /// <param name="pod">The message.</param>
    /// <param name="field">Where it stands, for the message when it cannot be used.</param>
    /// <param name="dialects">The sharing dialects that are read.</param>
    /// <param name="uid">Stands in for its UID; null when it must have one.</param>
    /// <exception cref="RpcException">It is missing, or has no UID.</exception>
    public static PodInfo Read(Pod? pod, string field, DialectSet dialects, string? uid = null)
    {
        if (pod is null)
        {
            throw Invalid($"{field} is missing");
        }

        uid ??= pod.Uid;
        if (uid.Length == 0)
        {
            throw Invalid($"{field}.uid must not be empty");
        }

        var builder = new PodInfoBuilder(dialects)
        {
            Uid = uid,
            Name = pod.Name,
            Namespace = pod.Namespace.Length == 0 ? "default" : pod.Namespace,
            Priority = pod.Priority,
            PreemptionPolicy = pod.PreemptionPolicy,
            SchedulerName = pod.SchedulerName,
        };
        foreach (var (name, value) in pod.Annotations)
        {
            builder.AddAnnotation(name, value);
        }

        foreach (var (name, value) in pod.Labels)
        {
            builder.AddLabel(name, value);
        }

        foreach (var container in pod.Containers)
        {
            builder.AddContainer(ToResources(container));
        }

        foreach (var container in pod.InitContainers)
        {
            builder.AddInitContainer(ToResources(container), container.RestartPolicy == "Always");
        }

        return builder.Build();
    }

    private static ContainerResources ToResources(Container container)
    {
        var resources = new ContainerResources();
        foreach (var (resource, quantity) in container.Requests)
        {
            resources.AddRequest(resource, quantity);
        }

        foreach (var (resource, quantity) in container.Limits)
        {
            resources.AddLimit(resource, quantity);
        }

        return resources;
    }

    /// <summary>The caller has to change something.</summary>
    public static RpcException Invalid(string message) => new(new global::Grpc.Core.Status(global::Grpc.Core.StatusCode.InvalidArgument, message));
}
