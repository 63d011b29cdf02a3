namespace GpuScheduler.Testing.ControlPlane;

/// <summary>A user that the test API server knows by a bearer token of its own.</summary>
/// <param name="Name">The user name that requests are made under, and the key for <see cref="TestControlPlane.TokenFor"/>.</param>
/// <param name="Groups">Groups beside <c>system:authenticated</c>, which the API server adds itself.</param>
/// <param name="Uid">The user's unique id; null for the name.</param>
public sealed record StaticUser(string Name, IReadOnlyList<string> Groups, string? Uid = null)
{
    /// <summary>
    /// The identity that a pod's service account has, so that tests of RBAC rules bind the real manifests'
    /// subjects without a kubelet to hand out tokens.
    /// </summary>
    public static StaticUser ServiceAccount(string @namespace, string name) =>
        new($"system:serviceaccount:{@namespace}:{name}",
            ["system:serviceaccounts", $"system:serviceaccounts:{@namespace}"]);
}
