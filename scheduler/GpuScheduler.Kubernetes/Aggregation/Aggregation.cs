using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GpuScheduler.Kubernetes.Aggregation;

/// <summary>
/// Reads the ConfigMap kube-system/extension-apiserver-authentication, which the API server writes for this purpose, and asks by
/// SubjectAccessReview. Source of the names: Kubernetes documentation, "Configure the Aggregation Layer".
/// </summary>
public sealed class Aggregation(KubernetesConnection connection) : IAggregation
{
    private const string ConfigMap = "api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

    private static readonly RbacRule s_readRule = new("", "configmaps", "get", "gpu-scheduler in kube-system (or bind the Role extension-apiserver-authentication-reader)");
    private static readonly RbacRule s_reviewRule = new("authorization.k8s.io", "subjectaccessreviews", "create");

    /// <inheritdoc/>
    public async Task<FrontProxyTrust> ReadTrustAsync(CancellationToken cancellationToken)
    {
        var body = await connection.CallAsync(HttpMethod.Get, ConfigMap, null, s_readRule, cancellationToken);
        try
        {
            var data = JsonNode.Parse(body)?["data"] as JsonObject;
            return (string?)data?["requestheader-client-ca-file"] is { Length: > 0 } authorities
                ? new FrontProxyTrust(authorities, List(data, "requestheader-allowed-names"), List(data, "requestheader-username-headers"), List(data, "requestheader-group-headers"))
                : throw new KubernetesApiException("the API server was started without --requestheader-client-ca-file: it serves no APIs of others");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new KubernetesApiException($"the ConfigMap kube-system/extension-apiserver-authentication cannot be understood: {e.Message}", innerException: e);
        }
    }

    /// <inheritdoc/>
    public async Task<bool> MayListAsync(string user, IReadOnlyCollection<string> groups, string apiGroup, string podNamespace, string resource, CancellationToken cancellationToken)
    {
        var question = JsonSerializer.SerializeToUtf8Bytes(new
        {
            apiVersion = "authorization.k8s.io/v1",
            kind = "SubjectAccessReview",
            spec = new { user, groups, resourceAttributes = new { group = apiGroup, version = "v1beta1", @namespace = podNamespace, resource, verb = "list" } },
        });
        var answer = await connection.CallAsync(HttpMethod.Post, "apis/authorization.k8s.io/v1/subjectaccessreviews", question, s_reviewRule, cancellationToken);
        try
        {
            return (bool?)JsonNode.Parse(answer)?["status"]?["allowed"] == true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new KubernetesApiException($"the API server's answer to a SubjectAccessReview cannot be understood: {e.Message}", innerException: e);
        }
    }

    private static ImmutableArray<string> List(JsonObject data, string key) =>
        (string?)data[key] is { Length: > 0 } text ? [.. (JsonSerializer.Deserialize<string?[]>(text) ?? []).OfType<string>()] : [];
}
