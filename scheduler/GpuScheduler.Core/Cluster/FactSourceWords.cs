namespace GpuScheduler.Core.Cluster;

/// <summary>What messages call the sources.</summary>
internal static class FactSourceWords
{
    /// <summary>Fits after "by" and "of".</summary>
    public static string InWords(this FactSource source) => source switch
    {
        FactSource.Report => "the report",
        FactSource.ResourceSlice => "the ResourceSlices",
        FactSource.Hami => "HAMi's annotations",
        FactSource.Koordinator => "Koordinator's Device",
        FactSource.Label => "the labels",
        FactSource.Allocatable => "allocatable",
        FactSource.Catalogue => "the catalogue",
        _ => "assumption",
    };
}
