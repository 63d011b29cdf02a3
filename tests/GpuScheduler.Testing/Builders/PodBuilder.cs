using System.Globalization;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Testing;

/// <summary>Builds a pod the way its owner writes it: resources of one container, and annotations.</summary>
public sealed class PodBuilder(string uid)
{
    private readonly Dictionary<string, string> _requests = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _annotations = new(StringComparer.Ordinal);
    private readonly List<string> _gates = [];
    private NodeDemands? _demands;
    private string _namespace = "default";
    private string? _node;
    private int _priority;
    private string _phase = "Pending";
    private string _preemptionPolicy = "";

    /// <summary>Sets its namespace.</summary>
    public PodBuilder In(string podNamespace)
    {
        _namespace = podNamespace;
        return this;
    }

    /// <summary>Sets an entry of resources.requests.</summary>
    public PodBuilder Request(string resource, string quantity)
    {
        _requests[resource] = quantity;
        return this;
    }

    /// <summary>Sets an annotation.</summary>
    public PodBuilder Annotate(string name, string value)
    {
        _annotations[name] = value;
        return this;
    }

    /// <summary>Asks for whole GPUs.</summary>
    public PodBuilder Gpus(int count) => Request(GpuAnnotations.GpuResource, Text(count));

    /// <summary>Asks for MIG devices.</summary>
    public PodBuilder Mig(string profile, int count = 1) => Request(GpuAnnotations.MigResourcePrefix + profile, Text(count));

    /// <summary>Asks for shares; what is 0 is not written.</summary>
    public PodBuilder Share(int memoryMiB = 0, int milli = 0, int count = 0)
    {
        if (memoryMiB > 0)
        {
            Annotate(GpuAnnotations.GpuMemory, Text(memoryMiB) + "Mi");
        }

        if (milli > 0)
        {
            Annotate(GpuAnnotations.GpuMilli, Text(milli));
        }

        return count > 0 ? Annotate(GpuAnnotations.GpuCount, Text(count)) : this;
    }

    /// <summary>Allows models.</summary>
    public PodBuilder Model(string alternatives) => Annotate(GpuAnnotations.GpuModel, alternatives);

    /// <summary>Asks for GPUs of at least so much memory.</summary>
    public PodBuilder MinMemoryMiB(int mebibytes) => Annotate(GpuAnnotations.MinGpuMemory, Text(mebibytes) + "Mi");

    /// <summary>Sets the NVLink annotation.</summary>
    public PodBuilder Nvlink(string requirement) => Annotate(GpuAnnotations.Nvlink, requirement);

    /// <summary>Sets spec.priority.</summary>
    public PodBuilder Priority(int priority)
    {
        _priority = priority;
        return this;
    }

    /// <summary>Sets preemptionPolicy: Never.</summary>
    public PodBuilder NeverPreempts()
    {
        _preemptionPolicy = "Never";
        return this;
    }

    /// <summary>Bound to a node, with the devices that its annotation names, or without an annotation.</summary>
    public PodBuilder On(string node, DeviceAssignment? devices = null)
    {
        _node = node;
        _phase = "Running";
        return devices is null ? this : Annotate(GpuAnnotations.AssignedDevices, devices.ToAnnotation());
    }

    /// <summary>Sets status.phase.</summary>
    public PodBuilder Phase(string phase)
    {
        _phase = phase;
        return this;
    }

    /// <summary>Adds a scheduling gate.</summary>
    public PodBuilder Gate(string name)
    {
        _gates.Add(name);
        return this;
    }

    /// <summary>Sets what it asks of nodes beside resources.</summary>
    public PodBuilder Demands(NodeDemands demands)
    {
        _demands = demands;
        return this;
    }

    /// <summary>The pod.</summary>
    public PodInfo Build()
    {
        var builder = new PodInfoBuilder
        {
            Uid = uid,
            Name = "pod-" + uid,
            Namespace = _namespace,
            NodeName = _node,
            Priority = _priority,
            Phase = _phase,
            PreemptionPolicy = _preemptionPolicy,
            SchedulerName = "gpu-scheduler",
            Demands = _demands,
        };
        _gates.ForEach(builder.AddSchedulingGate);
        foreach (var (name, value) in _annotations)
        {
            builder.AddAnnotation(name, value);
        }

        var container = new ContainerResources();
        foreach (var (resource, quantity) in _requests)
        {
            container.AddRequest(resource, quantity);
        }

        builder.AddContainer(container);
        return builder.Build();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
