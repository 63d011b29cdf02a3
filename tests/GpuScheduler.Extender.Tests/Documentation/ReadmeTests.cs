using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace GpuScheduler.Extender.Tests.Documentation;

/// <summary>What the README shows is what the service answers.</summary>
public sealed partial class ReadmeTests(ExampleService example) : IClassFixture<ExampleService>
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    [Fact]
    public async Task The_first_question_gets_the_answer_that_is_shown()
    {
        var question = Question().Match(s_page).Groups[1].Value;
        var shown = Answer().Match(s_page).Groups[1].Value;

        var answer = await example.Service.PostAsync("filter", question);

        Assert.Equal(200, (int)answer.Status);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(shown), JsonNode.Parse(answer.Body)), $"shown: {shown}\nanswered: {answer}");
    }

    [GeneratedRegex(@"/filter -d '(\{.*?\})'", RegexOptions.Singleline)]
    private static partial Regex Question();

    [GeneratedRegex(@"```json\n(\{""Nodes"".*?\})\n```", RegexOptions.Singleline)]
    private static partial Regex Answer();
}
