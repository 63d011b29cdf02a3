namespace GpuScheduler.Testing.ControlPlane;

/// <summary>What a <see cref="TestControlPlane"/> is started with.</summary>
public sealed record TestControlPlaneOptions
{
    /// <summary>
    /// <c>AlwaysAllow</c>, or <c>RBAC</c> to hold every user but the administrator to the rules in the API.
    /// </summary>
    public string AuthorizationMode { get; init; } = "AlwaysAllow";

    /// <summary>Users beside the administrator and <c>system:kube-scheduler</c>.</summary>
    public IReadOnlyList<StaticUser> Users { get; init; } = [];

    /// <summary>Appended to the API server's arguments, for instance <c>--runtime-config=...</c>.</summary>
    public IReadOnlyList<string> ExtraApiServerArguments { get; init; } = [];

    /// <summary>
    /// How long each process may take until it is ready. Generous: on a busy machine with two cores the API
    /// server needs ten seconds and more.
    /// </summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Leaves the temporary folder with all logs in place, to look at after a failure.</summary>
    public bool KeepFolder { get; init; }
}
