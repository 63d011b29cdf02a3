using System.Security.Cryptography;
using System.Text;

namespace GpuScheduler.Simulator.Report;

/// <summary>The report's style sheet or script, embedded in the program.</summary>
internal sealed class ReportAsset
{
    private ReportAsset(string name)
    {
        using var stream = typeof(ReportAsset).Assembly.GetManifestResourceStream("report/" + name)
            ?? throw new InvalidOperationException($"The resource report/{name} is missing: the project must embed Report/Assets.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        Text = reader.ReadToEnd().ReplaceLineEndings("\n");
        Hash = "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));
    }

    /// <summary>The style sheet.</summary>
    public static ReportAsset Style { get; } = new("report.css");

    /// <summary>The script.</summary>
    public static ReportAsset Script { get; } = new("report.js");

    /// <summary>Its text.</summary>
    public string Text { get; }

    /// <summary>Its digest as a content security policy names it, so that the page can allow this text and no other.</summary>
    public string Hash { get; }
}
