using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>An API server that does what it is told.</summary>
internal sealed class FakeBinder : IPodBinder
{
    /// <summary>What becomes of the next binds.</summary>
    public Func<CancellationToken, Task<BindOutcome>> Bind { get; set; } = _ => Task.FromResult(BindOutcome.Bound);

    /// <summary>What the API server says when asked for a pod.</summary>
    public Func<PodInfo?> Pod { get; set; } = () => null;

    /// <summary>What was posted.</summary>
    public List<(string PodUid, string Node, DeviceAssignment Devices)> Posted { get; } = [];

    /// <summary>What was posted for the node's device plugin.</summary>
    public List<PluginContract> Contracts { get; } = [];

    public Task<BindOutcome> BindAsync(string podNamespace, string podName, string podUid, string node, DeviceAssignment devices, PluginContract contract, CancellationToken cancellationToken)
    {
        lock (Posted)
        {
            Posted.Add((podUid, node, devices));
            Contracts.Add(contract);
        }

        return Bind(cancellationToken);
    }

    public Task<PodInfo?> GetPodAsync(string podNamespace, string podName, CancellationToken cancellationToken) => Task.FromResult(Pod());
}
