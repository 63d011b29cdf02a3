namespace GpuScheduler.Extender.ExternalMetrics;

/// <summary>The queue as external.metrics.k8s.io, for autoscalers.</summary>
public sealed class ExternalMetricsSettings
{
    /// <summary>Where it is served to the API server's aggregator, separated by ';', for example https://0.0.0.0:8444; not at all while it is empty.</summary>
    public string Urls { get; set; } = "";

    /// <summary>True when it is served.</summary>
    internal bool IsEnabled => ListenAddress.Split(Urls).Length > 0;

    /// <summary>What is wrong with the settings; empty when nothing is.</summary>
    internal IEnumerable<string> Problems(ExtenderOptions options)
    {
        foreach (var url in ListenAddress.Split(Urls))
        {
            if (!ListenAddress.TryParse(url, out var address, out var why))
            {
                yield return $"ExternalMetrics:Urls has \"{url}\": {why}";
            }
            else if (!address.IsHttps)
            {
                yield return $"ExternalMetrics:Urls has \"{url}\": only https:// is allowed here, since the aggregator shows a client certificate";
            }
        }

        if (IsEnabled && options.Cluster is { Length: > 0 })
        {
            yield return "ExternalMetrics:Urls is set and Cluster is a snapshot file: it is served to the aggregator of a live cluster; remove one";
        }
    }
}
