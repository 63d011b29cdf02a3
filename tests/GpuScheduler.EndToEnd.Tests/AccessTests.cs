using System.Net;
using System.Net.Http.Headers;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Who may look, as a real API server judges it by the shipped rules; and that the shipped rules allow the service nothing more than it needs.</summary>
public sealed class AccessTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tokens_are_judged_by_the_API_server_and_verbs_want_a_certificate()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: true, Cancellation);
        await cluster.AddNodesAsync(2, Cancellation);
        await cluster.StartExtenderAsync(Cancellation, ("Access:Tokens", "true"), ("Access:KeepAnswers", "00:00:01"));
        using var client = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true }) { BaseAddress = new Uri($"https://127.0.0.1:{cluster.Port}") };

        // Nobody: health, and the page, which holds no data.
        foreach (var path in new[] { "/healthz", "/readyz", "/syncz", "/", "/page.css", "/page.js" })
        {
            Assert.Equal(HttpStatusCode.OK, (await AskAsync(client, path, null)).Status);
        }

        foreach (var path in new[] { "/v1/nodes", "/v1/nodes/h100-000", "/v1/gangs", "/metrics", "/v1/whatever-comes", "/V1/Nodes" })
        {
            var (status, text) = await AskAsync(client, path, null);
            Assert.Equal(HttpStatusCode.Unauthorized, status);
            Assert.StartsWith($"{path} wants a bearer token of this cluster", text, StringComparison.Ordinal);
        }

        // A token that is none.
        var unknown = await AskAsync(client, "/v1/nodes", "made-up");
        Assert.Equal(HttpStatusCode.Unauthorized, unknown.Status);
        Assert.StartsWith("the API server does not accept this token", unknown.Text, StringComparison.Ordinal);

        // One without the right, then with it, then without it again.
        var token = cluster.Plane.TokenFor(ClusterUnderTest.NodeAgentAccount);
        var forbidden = await AskAsync(client, "/v1/nodes", token);
        Assert.Equal(HttpStatusCode.Forbidden, forbidden.Status);
        Assert.StartsWith($"{ClusterUnderTest.NodeAgentAccount} may not get /v1/nodes: bind a ClusterRole", forbidden.Text, StringComparison.Ordinal);
        await cluster.Client.RbacAuthorizationV1.CreateClusterRoleBindingAsync(
            new V1ClusterRoleBinding
            {
                Metadata = new V1ObjectMeta { Name = "look" },
                RoleRef = new V1RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = "gpu-scheduler-inspect" },
                Subjects = [new Rbacv1Subject { Kind = "User", ApiGroup = "rbac.authorization.k8s.io", Name = ClusterUnderTest.NodeAgentAccount }],
            },
            cancellationToken: Cancellation);
        await Eventually.TrueAsync(async () => (await AskAsync(client, "/v1/nodes", token)).Status == HttpStatusCode.OK, TimeSpan.FromSeconds(20), () => "the right does not help", Cancellation);
        Assert.Contains("h100-000", (await AskAsync(client, "/v1/nodes", token)).Text, StringComparison.Ordinal);

        // Asking what would happen is looking, too.
        using var manifest = new StringContent("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resources":{"limits":{"nvidia.com/gpu":"1"}}}]}}""");
        using var question = new HttpRequestMessage(HttpMethod.Post, "/v1/what-if") { Content = manifest, Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        using var whatIf = await client.SendAsync(question, Cancellation);
        Assert.Equal(HttpStatusCode.OK, whatIf.StatusCode);

        // Looking is not binding.
        using var content = new StringContent("{}");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/bind") { Content = content, Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        using var bind = await client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, bind.StatusCode);
        Assert.StartsWith("the verbs want a client certificate", await bind.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

        await cluster.Client.RbacAuthorizationV1.DeleteClusterRoleBindingAsync("look", cancellationToken: Cancellation);
        await Eventually.TrueAsync(async () => (await AskAsync(client, "/v1/nodes", token)).Status == HttpStatusCode.Forbidden, TimeSpan.FromSeconds(20), () => "the right stays", Cancellation);
    }

    [Fact]
    public async Task The_shipped_rules_allow_what_is_needed_and_no_more()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        using var service = new k8s.Kubernetes(cluster.Plane.ClientConfig(cluster.Plane.TokenFor(ClusterUnderTest.ServiceAccount)));

        // What an attacker would want of this account, and does not get.
        await ForbiddenAsync(() => service.CoreV1.ListSecretForAllNamespacesAsync(cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoreV1.ReadNamespacedSecretAsync("gpu-scheduler-extender-tls", "gpu-scheduler", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoreV1.ListConfigMapForAllNamespacesAsync(cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoreV1.CreateNamespacedPodAsync(Workload.Pod("own", "x", [], []), "default", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoreV1.DeleteNodeAsync("n", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoreV1.DeleteCollectionNamespacedPodAsync("default", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoreV1.PatchNodeStatusAsync(new V1Patch("{}", V1Patch.PatchType.MergePatch), "n", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoreV1.PatchNamespacedPodStatusAsync(new V1Patch("{}", V1Patch.PatchType.MergePatch), "p", "default", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoordinationV1.ListNamespacedLeaseAsync("kube-system", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoordinationV1.ReadNamespacedLeaseAsync("kube-scheduler", "kube-system", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoordinationV1.DeleteNamespacedLeaseAsync("gpu-scheduler-extender", "gpu-scheduler", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CoordinationV1.ReadNamespacedLeaseAsync("another", "gpu-scheduler", cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.RbacAuthorizationV1.CreateClusterRoleBindingAsync(new V1ClusterRoleBinding { Metadata = new V1ObjectMeta { Name = "mine" }, RoleRef = new V1RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = "cluster-admin" } }, cancellationToken: Cancellation));
        await ForbiddenAsync(() => service.CustomObjects.DeleteClusterCustomObjectAsync("gpuscheduler.io", "v1", "gpunodes", "n", cancellationToken: Cancellation));

        // And the node agent reads no pods and binds none.
        using var agent = new k8s.Kubernetes(cluster.Plane.ClientConfig(cluster.Plane.TokenFor(ClusterUnderTest.NodeAgentAccount)));
        await ForbiddenAsync(() => agent.CoreV1.ListPodForAllNamespacesAsync(cancellationToken: Cancellation));
        await ForbiddenAsync(() => agent.CoreV1.ListSecretForAllNamespacesAsync(cancellationToken: Cancellation));
        await ForbiddenAsync(() => agent.CoreV1.CreateNamespacedBindingAsync(new V1Binding { Metadata = new V1ObjectMeta { Name = "p" }, Target = new V1ObjectReference { Name = "n", Kind = "Node" } }, "default", cancellationToken: Cancellation));
    }

    private static async Task ForbiddenAsync(Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<k8s.Autorest.HttpOperationException>(call);
        Assert.Equal(HttpStatusCode.Forbidden, refused.Response.StatusCode);
    }

    private static async Task<(HttpStatusCode Status, string Text)> AskAsync(HttpClient client, string path, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var answer = await client.SendAsync(request, Cancellation);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
    }
}
