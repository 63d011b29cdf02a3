using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Runs;

/// <summary>What arrives in a run, a pod or a gang, with the identities that it has in the run.</summary>
internal sealed class Arrival
{
    /// <summary>Gives the pods of a trace their identities.</summary>
    /// <param name="number">Its number in the run.</param>
    /// <param name="pod">What arrives.</param>
    public Arrival(int number, in TracePod pod)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"arrival-{number}");
        var (template, size) = (pod.Template, pod.Members);
        if (size == 1)
        {
            Pods = [template with { Uid = name, Name = name }];
            return;
        }

        var membership = new GangMembership { Key = new GangKey(template.Namespace, GangDialects.OwnName, name), MinMembers = size, Size = size };
        Pods = [.. Enumerable.Range(0, size).Select(i =>
        {
            var member = string.Create(CultureInfo.InvariantCulture, $"{name}-{i}");
            return template with { Uid = member, Name = member, Gang = membership with { Index = i } };
        })];
    }

    /// <summary>Its pods: one, or all members.</summary>
    public ImmutableArray<PodInfo> Pods { get; }

    /// <summary>True when its pods start together.</summary>
    public bool IsGang => Pods.Length > 1;

    /// <summary>Pods that have a node already while the others wait; only where members are placed one by one.</summary>
    public int Held { get; set; }

    /// <summary>What these hold, in milli-GPU.</summary>
    public long HeldMilli { get; set; }
}
