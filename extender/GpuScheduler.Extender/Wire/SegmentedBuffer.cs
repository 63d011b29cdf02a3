using System.Buffers;

namespace GpuScheduler.Extender.Wire;

/// <summary>
/// Bytes in pooled segments: grows to many megabytes without a large allocation or a copy, and gives everything back on dispose.
/// </summary>
internal sealed class SegmentedBuffer : IDisposable
{
    private const int SegmentSize = 64 * 1024;

    private readonly List<byte[]> _segments = [];
    private byte[] _last = [];
    private int _used;

    /// <summary>Bytes written.</summary>
    public long Length => _segments.Count == 0 ? 0 : ((long)(_segments.Count - 1) * SegmentSize) + _used;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= _last.Length - _used)
        {
            bytes.CopyTo(_last.AsSpan(_used));
            _used += bytes.Length;
            return;
        }

        while (!bytes.IsEmpty)
        {
            if (_used == _last.Length)
            {
                Extend();
            }

            var part = Math.Min(bytes.Length, _last.Length - _used);
            bytes[..part].CopyTo(_last.AsSpan(_used));
            _used += part;
            bytes = bytes[part..];
        }
    }

    public void Write(byte value)
    {
        if (_used == _last.Length)
        {
            Extend();
        }

        _last[_used++] = value;
    }

    public void Write(long number)
    {
        Span<byte> digits = stackalloc byte[20];
        System.Buffers.Text.Utf8Formatter.TryFormat(number, digits, out var length);
        Write(digits[..length]);
    }

    /// <summary>Takes back the last bytes, down to a length reached before.</summary>
    public void Truncate(long length)
    {
        while (Length > length)
        {
            var before = (long)(_segments.Count - 1) * SegmentSize;
            if (before >= length && _segments.Count > 1)
            {
                ArrayPool<byte>.Shared.Return(_segments[^1]);
                _segments.RemoveAt(_segments.Count - 1);
                _last = _segments[^1];
                _used = SegmentSize;
            }
            else
            {
                _used = (int)(length - before);
            }
        }
    }

    /// <summary>The bytes [start, start + length) in pieces.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Pieces(long start, long length)
    {
        while (length > 0)
        {
            var segment = _segments[(int)(start / SegmentSize)];
            var at = (int)(start % SegmentSize);
            var part = (int)Math.Min(length, SegmentSize - at);
            yield return segment.AsMemory(at, part);
            start += part;
            length -= part;
        }
    }

    public void Dispose()
    {
        foreach (var segment in _segments)
        {
            ArrayPool<byte>.Shared.Return(segment);
        }

        _segments.Clear();
        _last = [];
        _used = 0;
    }

    private void Extend()
    {
        // The pool's arrays of this size class have exactly this size; a longer one is used up to it.
        _last = ArrayPool<byte>.Shared.Rent(SegmentSize);
        if (_last.Length != SegmentSize)
        {
            throw new InvalidOperationException("the array pool rounds a power of two");
        }

        _segments.Add(_last);
        _used = 0;
    }
}
