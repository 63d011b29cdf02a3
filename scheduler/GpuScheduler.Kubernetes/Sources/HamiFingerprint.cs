using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>
/// Tells HAMi's annotations of a node from others without reading them: SHA-256 over their names and values as they are written. They
/// come with every event of a node, and change hardly ever.
/// </summary>
internal sealed class HamiFingerprint : IDisposable
{
    /// <summary>How long a fingerprint is, in bytes.</summary>
    public const int Length = SHA256.HashSizeInBytes;

    private IncrementalHash? _hash;

    /// <summary>True while none of them was added.</summary>
    public bool IsEmpty => _hash is null;

    /// <summary>Adds an annotation that is one of these; false, and nothing has moved, for others.</summary>
    /// <param name="json">Stands on the annotation's name, and afterwards on the end of its value.</param>
    public bool TryAdd(ref Utf8JsonReader json)
    {
        if (!HamiAnnotations.Reads(ref json))
        {
            return false;
        }

        _hash ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(ref json);
        JsonFields.Advance(ref json, "metadata.annotations");
        Add(ref json);
        JsonFields.Skip(ref json, "metadata.annotations");
        return true;
    }

    /// <summary>The fingerprint of what was added; it begins anew.</summary>
    public void Take(Span<byte> fingerprint) => _hash!.GetHashAndReset(fingerprint);

    public void Dispose() => _hash?.Dispose();

    /// <summary>Adds the value with its kind and length before it, so that no two lists of values are written alike.</summary>
    private void Add(ref Utf8JsonReader json)
    {
        var value = json.HasValueSequence ? json.ValueSequence.ToArray() : json.ValueSpan;
        Span<byte> head = stackalloc byte[1 + sizeof(int)];
        head[0] = (byte)json.TokenType;
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], value.Length);
        _hash!.AppendData(head);
        _hash.AppendData(value);
    }
}
