using System.Text.Json.Nodes;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>Tokens are judged by the API server, and its answers kept for a while.</summary>
public sealed class AccessReviewerTests : ApiServerTests
{
    private const string Tokens = "/apis/authentication.k8s.io/v1/tokenreviews";
    private const string Accesses = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    private const string Known = """{"status":{"authenticated":true,"user":{"username":"ann","uid":"7","groups":["dev","system:authenticated"],"extra":{"scope":["a"]}}}}""";

    private readonly Leases.ShiftingClock _time = new();
    private AccessReviewer _reviewer = null!;

    private protected override void Begin()
    {
        _reviewer = new AccessReviewer(Connection, TimeSpan.FromSeconds(30), _time);
    }

    private protected override void End() => _reviewer.Dispose();

    [Fact]
    public async Task Who_the_token_belongs_to_is_asked_and_then_whether_that_one_may()
    {
        Server.On(Tokens, Json(Known)).On(Accesses, Json("""{"status":{"allowed":true}}"""));

        Assert.Equal(new AccessVerdict(AccessKind.Allowed, "ann", ""), await _reviewer.ReviewAsync("secret-token", "get", "/v1/nodes", Cancellation));

        Assert.Equal("secret-token", (string?)JsonNode.Parse((await Server.RequestAsync(Tokens)).Body)!["spec"]!["token"]);
        var asked = JsonNode.Parse((await Server.RequestAsync(Accesses)).Body)!["spec"]!;
        Assert.Equal(
            """{"user":"ann","uid":"7","groups":["dev","system:authenticated"],"extra":{"scope":["a"]},"nonResourceAttributes":{"path":"/v1/nodes","verb":"get"}}""",
            asked.ToJsonString());
    }

    [Fact]
    public async Task Answers_are_kept_by_token_verb_and_path_and_no_longer_than_said()
    {
        for (var i = 0; i < 4; i++)
        {
            Server.On(Tokens, Json(Known)).On(Accesses, Json("""{"status":{"allowed":true}}"""));
        }

        await _reviewer.ReviewAsync("t", "get", "/v1/nodes", Cancellation);
        await _reviewer.ReviewAsync("t", "get", "/v1/nodes", Cancellation);
        Assert.Equal(1, Server.Unseen(Accesses));
        await _reviewer.ReviewAsync("t", "get", "/v1/gangs", Cancellation);
        await _reviewer.ReviewAsync("u", "get", "/v1/nodes", Cancellation);
        Assert.Equal(3, Server.Unseen(Accesses));
        _time.Pass(TimeSpan.FromSeconds(30));
        await _reviewer.ReviewAsync("t", "get", "/v1/nodes", Cancellation);
        Assert.Equal(4, Server.Unseen(Accesses));
    }

    [Fact]
    public async Task An_unknown_token_is_not_asked_further_about_and_a_known_one_without_a_right_is_told_the_rule()
    {
        Server.On(Tokens, Json("""{"status":{"authenticated":false}}""")).On(Tokens, Json(Known)).On(Accesses, Json("""{"status":{"allowed":false}}"""));

        Assert.Equal(AccessKind.Unauthenticated, (await _reviewer.ReviewAsync("bad", "get", "/v1/nodes", Cancellation)).Kind);
        Assert.Equal(0, Server.Unseen(Accesses));
        var verdict = await _reviewer.ReviewAsync("ann's", "get", "/v1/nodes", Cancellation);
        Assert.Equal((AccessKind.Forbidden, "ann"), (verdict.Kind, verdict.User));
        Assert.Contains("nonResourceURLs: [\"/v1/nodes\"], verbs: [\"get\"]", verdict.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("{}")]
    [InlineData("""{"status":{"authenticated":true}}""")]
    [InlineData("[]")]
    public async Task A_review_that_cannot_be_understood_lets_nobody_in_and_is_not_kept(string body)
    {
        Server.On(Tokens, Json(body)).On(Tokens, Json(Known)).On(Accesses, Json("""{"status":{"allowed":true}}"""));
        await Assert.ThrowsAsync<KubernetesApiException>(() => _reviewer.ReviewAsync("t", "get", "/v1/nodes", Cancellation));
        Assert.Equal(AccessKind.Allowed, (await _reviewer.ReviewAsync("t", "get", "/v1/nodes", Cancellation)).Kind);
    }

    [Fact]
    public async Task Who_may_not_review_tokens_is_told_the_rule_that_lacks()
    {
        Server.On(Tokens, Status(403, "Forbidden"));
        var refused = await Assert.ThrowsAsync<KubernetesApiException>(() => _reviewer.ReviewAsync("t", "get", "/v1/nodes", Cancellation));
        Assert.Contains("apiGroups: [\"authentication.k8s.io\"], resources: [\"tokenreviews\"], verbs: [create]", refused.Message, StringComparison.Ordinal);
    }
}
