using k8s.Models;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Definitions of kinds of other projects, so that the API server of the test has them. Anything fits their schema.</summary>
internal static class ObjectDefinition
{
    public static V1CustomResourceDefinition Of(string group, string version, string kind, string plural, bool namespaced = true) => new()
    {
        Metadata = new V1ObjectMeta { Name = $"{plural}.{group}", Annotations = new Dictionary<string, string> { ["api-approved.kubernetes.io"] = "unapproved, for a test" } },
        Spec = new V1CustomResourceDefinitionSpec
        {
            Group = group,
            Scope = namespaced ? "Namespaced" : "Cluster",
            Names = new V1CustomResourceDefinitionNames { Kind = kind, ListKind = kind + "List", Plural = plural, Singular = kind.ToLowerInvariant() },
            Versions =
            [
                new V1CustomResourceDefinitionVersion
                {
                    Name = version,
                    Served = true,
                    Storage = true,
                    Subresources = new V1CustomResourceSubresources { Status = new object() },
                    Schema = new V1CustomResourceValidation { OpenAPIV3Schema = new V1JSONSchemaProps { Type = "object", XKubernetesPreserveUnknownFields = true } },
                },
            ],
        },
    };
}
