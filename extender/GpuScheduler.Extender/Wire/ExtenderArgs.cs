using System.Buffers;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Wire;

/// <summary>
/// A filter or prioritize request, read: the pod, and the nodes as positions in a snapshot. Thousands of names cost no string.
/// What is pooled goes back on dispose.
/// </summary>
internal sealed class ExtenderArgs(Snapshot snapshot) : IDisposable
{
    private readonly ulong[] _seen = ArrayPool<ulong>.Shared.Rent((snapshot.Nodes.Length / 64) + 1);
    private int[] _candidates = ArrayPool<int>.Shared.Rent(256);
    private int _lastFound = -1;
    private bool _cleared;

    public Snapshot Snapshot { get; } = snapshot;

    public PodInfo? Pod { get; set; }

    /// <summary>True when NodeNames was given (nodeCacheCapable: true).</summary>
    public bool HasNames { get; set; }

    /// <summary>True when Nodes was given (nodeCacheCapable: false).</summary>
    public bool HasNodes { get; set; }

    /// <summary>Positions of the nodes in the order of the request, each once; -1 for one that is not known.</summary>
    public ReadOnlySpan<int> Candidates => _candidates.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>The names that are not known, in order, as JSON strings.</summary>
    public List<byte[]> Unknown { get; } = [];

    /// <summary>What is to be believed of the nodes that are not known, in order, when that is read.</summary>
    public List<TemplateNode> Templates { get; } = [];

    /// <summary>The Node objects as they came, a comma after each, when they are kept.</summary>
    public SegmentedBuffer Bodies { get; private set; } = new();

    /// <summary>Where each candidate's object lies in <see cref="Bodies"/>.</summary>
    public List<(long Start, int Length)> BodyRanges { get; } = [];

    /// <summary>Adds a node by its UTF-8 name. False when it was named before.</summary>
    public bool TryAdd(ReadOnlySpan<byte> name)
    {
        var position = Snapshot.Index.Find(name, _lastFound);
        if (position >= 0)
        {
            _lastFound = position;
            if (!_cleared)
            {
                Array.Clear(_seen);
                _cleared = true;
            }

            ref var word = ref _seen[position >> 6];
            var bit = 1UL << (position & 63);
            if ((word & bit) != 0)
            {
                return false;
            }

            word |= bit;
        }
        else
        {
            var json = System.Text.Json.JsonEncodedText.Encode(name).EncodedUtf8Bytes;
            Unknown.Add([(byte)'"', .. json, (byte)'"']);
        }

        if (Count == _candidates.Length)
        {
            var larger = ArrayPool<int>.Shared.Rent(Count * 2);
            _candidates.AsSpan(0, Count).CopyTo(larger);
            ArrayPool<int>.Shared.Return(_candidates);
            _candidates = larger;
        }

        _candidates[Count++] = position;
        return true;
    }

    /// <summary>Forgets the nodes read so far: a later list of the same request counts.</summary>
    public void ClearNodes()
    {
        Count = 0;
        _cleared = false;
        _lastFound = -1;
        Unknown.Clear();
        Templates.Clear();
        BodyRanges.Clear();
        Bodies.Clear();
    }

    /// <summary>Hands <see cref="Bodies"/> over to the answer, which outlives this.</summary>
    public SegmentedBuffer DetachBodies()
    {
        var bodies = Bodies;
        Bodies = new SegmentedBuffer();
        return bodies;
    }

    public void Dispose()
    {
        ArrayPool<ulong>.Shared.Return(_seen);
        ArrayPool<int>.Shared.Return(_candidates);
        Bodies.Dispose();
    }
}
