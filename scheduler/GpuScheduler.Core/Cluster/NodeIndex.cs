using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// Node names to positions and back, in UTF-8, so that a list of thousands of names is read and written without a string a name.
/// Immutable, but for a hint that remembers which name followed which.
/// </summary>
public sealed class NodeIndex
{
    private readonly byte[][] _names;      // by position; empty for a free position
    private readonly byte[][] _json;       // by position: {"Host":"name","Score": as a HostPriority begins; the name lies inside
    private readonly int[] _slots;         // open addressing: position + 1, or 0
    private readonly int[] _next;          // hint: the position that followed last time. Racing writers are harmless: it is checked.

    /// <summary>Indexes names; null entries are free positions.</summary>
    public NodeIndex(ReadOnlySpan<string?> names)
    {
        _names = new byte[names.Length][];
        _json = new byte[names.Length][];
        _next = new int[names.Length];
        _slots = new int[Math.Max(16, (int)BitOperations.RoundUpToPowerOf2((uint)names.Length * 2))];
        for (var i = 0; i < names.Length; i++)
        {
            _next[i] = i + 1;
            if (names[i] is not { } name)
            {
                _names[i] = [];
                _json[i] = [];
                continue;
            }

            _names[i] = Encoding.UTF8.GetBytes(name);
            _json[i] = [.. HostBegin, .. "\""u8, .. JsonEncodedText.Encode(name).EncodedUtf8Bytes, .. "\""u8, .. HostEnd];
            var slot = Slot(_names[i]);
            while (_slots[slot] != 0)
            {
                slot = (slot + 1) & (_slots.Length - 1);
            }

            _slots[slot] = i + 1;
            Count++;
        }
    }

    /// <summary>Number of names.</summary>
    public int Count { get; }

    private static ReadOnlySpan<byte> HostBegin => "{\"Host\":"u8;

    private static ReadOnlySpan<byte> HostEnd => ",\"Score\":"u8;

    /// <summary>The name at a position as a JSON string in UTF-8, quotes included.</summary>
    public ReadOnlySpan<byte> JsonName(int position) => _json[position].AsSpan(HostBegin.Length, _json[position].Length - HostBegin.Length - HostEnd.Length);

    /// <summary>The beginning of the extender protocol's HostPriority for the node at a position, up to its score: {"Host":"name","Score":</summary>
    public ReadOnlySpan<byte> JsonHostPriority(int position) => _json[position];

    /// <summary>Position of a name, or -1.</summary>
    /// <param name="name">The name in UTF-8.</param>
    /// <param name="after">The position found before, or -1; lists mostly come in the same order.</param>
    public int Find(ReadOnlySpan<byte> name, int after = -1)
    {
        if (name.IsEmpty)
        {
            // Free positions have the empty name.
            return -1;
        }

        if (after >= 0)
        {
            var guess = _next[after];
            if ((uint)guess < (uint)_names.Length && name.SequenceEqual(_names[guess]))
            {
                return guess;
            }
        }

        for (var slot = Slot(name); _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            var position = _slots[slot] - 1;
            if (name.SequenceEqual(_names[position]))
            {
                if (after >= 0)
                {
                    _next[after] = position;
                }

                return position;
            }
        }

        return -1;
    }

    /// <summary>Position of a name, or -1.</summary>
    public int Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Span<byte> utf8 = stackalloc byte[256];
        return Encoding.UTF8.TryGetBytes(name, utf8, out var length) ? Find(utf8[..length]) : Find(Encoding.UTF8.GetBytes(name));
    }

    private int Slot(ReadOnlySpan<byte> name)
    {
        var hash = (ulong)name.Length * 0x9E3779B97F4A7C15;
        while (name.Length >= 8)
        {
            hash = (BitOperations.RotateLeft(hash, 23) ^ MemoryMarshal.Read<ulong>(name)) * 0x9FB21C651E98DF25;
            name = name[8..];
        }

        foreach (var b in name)
        {
            hash = (BitOperations.RotateLeft(hash, 9) ^ b) * 0x9FB21C651E98DF25;
        }

        return (int)((hash ^ (hash >> 32)) & (uint)(_slots.Length - 1));
    }
}
