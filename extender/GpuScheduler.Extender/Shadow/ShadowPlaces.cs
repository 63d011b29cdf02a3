namespace GpuScheduler.Extender.Shadow;

/// <summary>The pods that arrived since a comparison began, by where the two sides have them.</summary>
/// <param name="Same">On the same node.</param>
/// <param name="Elsewhere">On different nodes.</param>
/// <param name="ReferenceOnly">The shadow has no place for them.</param>
/// <param name="ShadowOnly">The other side has none.</param>
internal sealed record ShadowPlaces(int Same, int Elsewhere, int ReferenceOnly, int ShadowOnly)
{
    /// <summary>The part of those with a place on both sides that are on different nodes; null without such pods.</summary>
    public double? PartElsewhere => Same + Elsewhere == 0 ? null : Elsewhere / (double)(Same + Elsewhere);

    /// <summary>Counts them.</summary>
    public static ShadowPlaces Of(IReadOnlyDictionary<string, string> reference, IReadOnlyDictionary<string, string> shadow)
    {
        var (same, elsewhere, only) = (0, 0, 0);
        foreach (var (uid, node) in reference)
        {
            if (!shadow.TryGetValue(uid, out var other))
            {
                only++;
            }
            else if (other == node)
            {
                same++;
            }
            else
            {
                elsewhere++;
            }
        }

        return new ShadowPlaces(same, elsewhere, only, shadow.Count - same - elsewhere);
    }
}
