using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>Who decides for whom, and how. Immutable: other settings are another one, which takes its place as a whole.</summary>
internal sealed class Deciders
{
    private readonly Decider? _canary;
    private readonly NamespaceShare? _share;

    /// <summary>Those of some settings.</summary>
    /// <param name="cluster">The nodes.</param>
    /// <param name="options">The settings.</param>
    /// <param name="before">Those of the settings before, whose scores are kept where the profile stays the same; null for none.</param>
    public Deciders(ClusterState cluster, EngineOptions options, Deciders? before = null)
    {
        Options = options;
        Base = before?.Find(options) ?? Decider.Of(cluster, options.Profile, options.KeepScores);
        if (options.Canary is { } canary)
        {
            _canary = before?._canary is { } same && ReferenceEquals(same.Profile, canary.Profile) && options.KeepScores == before.Options.KeepScores
                ? same
                : Decider.Of(cluster, canary.Profile, options.KeepScores);
            _share = canary.Namespaces;
        }
    }

    /// <summary>The settings.</summary>
    public EngineOptions Options { get; }

    /// <summary>Decides for everybody else.</summary>
    public Decider Base { get; }

    /// <summary>Decides for a pod.</summary>
    public Decider For(PodInfo pod) => For(pod.Namespace);

    /// <summary>Decides for the pods of a namespace.</summary>
    public Decider For(string podNamespace) => _canary is not null && _share!.Takes(podNamespace) ? _canary : Base;

    /// <summary>Name of one of the two; null when there is only one.</summary>
    public string? NameOf(Decider decider) => _canary is null ? null : ReferenceEquals(decider, _canary) ? Options.Canary!.Name : Profile.BaseName;

    /// <summary>A pod has arrived, whoever decides for it.</summary>
    public void Observe(PodInfo pod, bool isNew, Snapshot snapshot)
    {
        var first = Base.Profile.Observer;
        first?.Observe(pod, isNew, snapshot);
        if (_canary?.Profile.Observer is { } second && !ReferenceEquals(first, second))
        {
            second.Observe(pod, isNew, snapshot);
        }
    }

    /// <summary>True when somebody learns from pods that arrive.</summary>
    public bool Learns => Base.Profile.Observer is not null || _canary?.Profile.Observer is not null;

    private Decider? Find(EngineOptions options) => ReferenceEquals(Base.Profile, options.Profile) && options.KeepScores == Options.KeepScores ? Base : null;
}
