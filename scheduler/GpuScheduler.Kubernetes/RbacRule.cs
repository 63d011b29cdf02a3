namespace GpuScheduler.Kubernetes;

/// <summary>What a call needs to be allowed, to say so when it is not.</summary>
/// <param name="Group">API group; empty for the core group.</param>
/// <param name="Resource">Resource, with its subresource.</param>
/// <param name="Verbs">Verbs, separated by commas.</param>
/// <param name="Role">The ClusterRole that lacks it.</param>
internal readonly record struct RbacRule(string Group, string Resource, string Verbs, string Role = "gpu-scheduler")
{
    public override string ToString() =>
        $"add to the ClusterRole of {Role}: apiGroups: [\"{Group}\"], resources: [\"{Resource}\"], verbs: [{Verbs}]";
}
