using System.Buffers.Binary;
using System.Text.Json;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>
/// What HAMi's annotations say, kept for as long as they are the same. A direct-mapped table of fixed size, in which a newcomer displaces
/// what had its place; what is kept is mostly what the cluster holds anyway. Safe from any thread: a place is one reference.
/// </summary>
internal static class HamiStatements
{
    private const int Places = 1 << 14;

    private static readonly Entry?[] s_entries = new Entry?[Places];

    /// <summary>What the annotations say, read only if they are not those of before.</summary>
    /// <param name="seen">The fingerprint of HAMi's annotations among them.</param>
    /// <param name="annotations">Stands before the value of metadata.annotations.</param>
    public static NodeStatement? Get(HamiFingerprint seen, ref Utf8JsonReader annotations)
    {
        Span<byte> fingerprint = stackalloc byte[HamiFingerprint.Length];
        seen.Take(fingerprint);
        ref var place = ref s_entries[BinaryPrimitives.ReadUInt32LittleEndian(fingerprint) % Places];
        if (place is { } kept && fingerprint.SequenceEqual(kept.Fingerprint))
        {
            return kept.Statement;
        }

        var statement = Read(ref annotations);
        place = new Entry(fingerprint.ToArray(), statement);
        return statement;
    }

    private static NodeStatement? Read(ref Utf8JsonReader json)
    {
        var hami = new HamiAnnotations();
        if (JsonFields.EnterObject(ref json, "metadata.annotations"))
        {
            while (JsonFields.NextField(ref json, "metadata.annotations"))
            {
                if (!hami.TryTake(ref json))
                {
                    JsonFields.Skip(ref json, "metadata.annotations");
                }
            }
        }

        return hami.ToStatement();
    }

    private sealed record Entry(byte[] Fingerprint, NodeStatement? Statement);
}
