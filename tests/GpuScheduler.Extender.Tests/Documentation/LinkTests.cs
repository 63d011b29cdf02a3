using GpuScheduler.Testing.Documentation;
using Xunit;

namespace GpuScheduler.Extender.Tests.Documentation;

/// <summary>Links between the pages of the repository lead somewhere.</summary>
public sealed class LinkTests
{
    [Fact]
    public void Every_link_within_the_repository_leads_to_a_file_that_is_there_and_to_a_heading_of_it()
    {
        var pages = MarkdownPage.All().ToDictionary(p => p.Path, StringComparer.Ordinal);
        Assert.True(pages.Count > 20, $"{pages.Count} pages");
        var broken = new List<string>();
        var links = 0;
        foreach (var page in pages.Values)
        {
            foreach (var link in page.Links().Where(l => !l.Contains("://", StringComparison.Ordinal) && !l.StartsWith("mailto:", StringComparison.Ordinal)))
            {
                links++;
                var (target, anchor) = link.Split('#', 2) is [var path, var fragment] ? (path, fragment) : (link, null);
                var file = target.Length == 0 ? page.Path : InRepository(page.Path, target);
                var full = Path.Combine(Repository.Root, file);
                if (!File.Exists(full) && !Directory.Exists(full))
                {
                    broken.Add($"{page.Path}: {link} (there is no {file})");
                }
                else if (anchor is not null && pages.TryGetValue(file, out var other) && !other.Anchors().Contains(anchor))
                {
                    broken.Add($"{page.Path}: {link} ({file} has no such heading; it has {string.Join(", ", other.Anchors())})");
                }
            }
        }

        Assert.True(links > 100, $"{links} links");
        Assert.True(broken.Count == 0, string.Join('\n', broken));
    }

    [Fact]
    public void Every_page_below_docs_is_in_its_index()
    {
        var index = MarkdownPage.Read("docs/README.md");
        var named = index.Links().Select(l => InRepository(index.Path, l.Split('#')[0])).ToHashSet(StringComparer.Ordinal);
        var missing = MarkdownPage.All().Select(p => p.Path).Where(p => p.StartsWith("docs/", StringComparison.Ordinal) && p != index.Path && !named.Contains(p)).ToList();
        Assert.True(missing.Count == 0, $"docs/README.md does not link {string.Join(", ", missing)}: say there for whom they are");
    }

    private static string InRepository(string page, string target) =>
        Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, target))).Replace('\\', '/');
}
