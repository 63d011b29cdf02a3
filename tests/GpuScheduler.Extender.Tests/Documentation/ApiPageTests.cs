using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using GpuScheduler.Testing.Documentation;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests.Documentation;

/// <summary>docs/api.md has every endpoint and every gRPC method of the running service.</summary>
public sealed partial class ApiPageTests(ExampleService example) : IClassFixture<ExampleService>
{
    private readonly MarkdownPage _page = MarkdownPage.Read("docs/api.md");

    [Fact]
    public void Every_endpoint_has_a_row_and_every_row_is_one()
    {
        var served = Routes().Where(r => !IsGrpc(r.Path)).Select(r => $"| {r.Method} | `{r.Path}` |").Distinct().Order(StringComparer.Ordinal).ToList();
        var rows = _page.Rows("HTTP").Where(r => r[0] is "GET" or "POST" or "PUT" or "PATCH" or "DELETE" or "any").Select(r => $"| {r[0]} | `{MarkdownPage.Word(r[1])}` |").Order(StringComparer.Ordinal).ToList();

        Assert.True(served.Count > 20, $"{served.Count} endpoints");
        Assert.True(served.SequenceEqual(rows), $"docs/api.md, below \"HTTP\", lacks rows that begin\n{string.Join('\n', served.Except(rows))}\nand has too much\n{string.Join('\n', rows.Except(served))}\n{(rows.Count == rows.Distinct().Count() ? "" : "(some rows are there twice)")}");
    }

    [Fact]
    public void Every_gRPC_method_has_a_row_and_every_row_is_one()
    {
        var served = Routes().Where(r => IsGrpc(r.Path)).Select(r => r.Path.TrimStart('/')).Order(StringComparer.Ordinal).ToList();
        var rows = _page.Rows("gRPC").Where(r => r[0].Contains('/', StringComparison.Ordinal)).Select(r => MarkdownPage.Word(r[0])!).Order(StringComparer.Ordinal).ToList();

        Assert.True(served.Count > 7, $"{served.Count} methods");
        Assert.True(served.SequenceEqual(rows), $"docs/api.md, below \"gRPC\", lacks {string.Join(", ", served.Except(rows))} and has too much {string.Join(", ", rows.Except(served))}");
    }

    [Fact]
    public async Task The_question_that_is_shown_gets_the_answer_that_is_shown()
    {
        // Of its own: scores depend on what was asked before.
        await using var service = await RunningService.StartAsync();
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, _page.Path), TestContext.Current.CancellationToken);
        var example = Example().Match(text);

        var answer = await service.PostAsync("prioritize", example.Groups[1].Value);

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(example.Groups[2].Value), JsonNode.Parse(answer.Body)), $"shown: {example.Groups[2].Value}\nanswered: {answer}");
    }

    private IEnumerable<(string Method, string Path)> Routes() =>
        from endpoint in example.Service.Services.GetServices<EndpointDataSource>().SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
        let path = endpoint.RoutePattern.RawText!
        where !path.Contains("unimplemented", StringComparison.Ordinal) && !path.Contains("**", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["any"]
        where method != "OPTIONS"
        select (method, path);

    private static bool IsGrpc(string path) => path.Split('/') is ["", var service, _] && service.Contains('.', StringComparison.Ordinal);

    [GeneratedRegex(@"/prioritize -d '(\{.*?\})'\n```\s+```json\n(.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
