namespace GpuScheduler.Testing.ControlPlane;

/// <summary>What a <see cref="KubeSchedulerProcess"/> is started with.</summary>
public sealed record KubeSchedulerSetup
{
    /// <summary>The values of a pod's <c>schedulerName</c> that this scheduler answers to.</summary>
    public IReadOnlyList<string> SchedulerNames { get; init; } = ["default-scheduler"];

    /// <summary>The extender's <c>urlPrefix</c>; null for a scheduler without an extender.</summary>
    public Uri? ExtenderUrlPrefix { get; init; }

    /// <summary>The verbs that appear in the configuration; the others are not called.</summary>
    public ExtenderVerbs Verbs { get; init; } = ExtenderVerbs.Filter | ExtenderVerbs.Prioritize;

    /// <summary>Whether the extender is sent node names alone, or whole nodes.</summary>
    public bool NodeCacheCapable { get; init; } = true;

    /// <summary>What the extender's scores of 0 to 10 are multiplied by, before they meet the plugins' 0 to 100.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>After this a call counts as failed.</summary>
    public TimeSpan HttpTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The extender is asked only about pods that request one of these; empty: about every pod.</summary>
    public IReadOnlyList<ManagedResource> ManagedResources { get; init; } = [];

    /// <summary>Whether pods are scheduled without the extender when it fails.</summary>
    public bool Ignorable { get; init; }

    /// <summary>
    /// Percent of the nodes that have to pass the filters before the search ends. 100, unlike the scheduler's
    /// own adaptive default: below it, the extender is not offered every node.
    /// </summary>
    public int PercentageOfNodesToScore { get; init; } = 100;

    /// <summary>Which binary is run.</summary>
    public KubeSchedulerBinary Binary { get; init; }

    /// <summary>The bearer token; null for that of <c>system:kube-scheduler</c>.</summary>
    public string? Token { get; init; }

    /// <summary>
    /// A complete KubeSchedulerConfiguration instead of the one made from the properties above, such as one from
    /// the manifests. <c>{{kubeconfig}}</c> stands for the kubeconfig's path, and <c>{{healthzAddress}}</c> for a
    /// free <c>host:port</c> (1.20 listens on port 10251 of every interface unless
    /// <c>healthzBindAddress</c> and <c>metricsBindAddress</c> say otherwise).
    /// </summary>
    public string? ConfigurationYaml { get; init; }

    /// <summary>The log's <c>-v</c>; 2 tells of every bind, 5 and more of the extender's arguments.</summary>
    public int Verbosity { get; init; } = 2;

    /// <summary>Appended to the command line.</summary>
    public IReadOnlyList<string> ExtraArguments { get; init; } = [];
}
