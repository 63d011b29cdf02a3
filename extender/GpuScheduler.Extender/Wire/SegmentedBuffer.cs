namespace GpuScheduler.Extender.Wire;

/// <summary>
/// Bytes in pooled segments: grows to many megabytes without a large allocation or a copy, and gives everything back on dispose.
/// Can take over another buffer and hand out parts of it without copying them.
/// </summary>
internal sealed class SegmentedBuffer : IDisposable
{
    private const int SegmentSize = SegmentPool.SegmentSize;

    private readonly List<byte[]> _segments = [];
    private readonly List<ReadOnlyMemory<byte>> _closed = [];
    private SegmentedBuffer? _owned;
    private byte[] _last = [];
    private int _opened;
    private int _used;

    /// <summary>Bytes in the buffer.</summary>
    public long Length { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
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
        Length++;
    }

    public void Write(long number)
    {
        Span<byte> digits = stackalloc byte[20];
        System.Buffers.Text.Utf8Formatter.TryFormat(number, digits, out var length);
        Write(digits[..length]);
    }

    /// <summary>Takes over another buffer, into which nothing was taken over: it is disposed of with this one.</summary>
    public void Own(SegmentedBuffer other) => _owned = other;

    /// <summary>Appends the bytes [start, start + length) of the buffer taken over, without copying them.</summary>
    public void AppendOwned(long start, long length)
    {
        Close();
        Length += length;
        while (length > 0)
        {
            var at = (int)(start % SegmentSize);
            var part = (int)Math.Min(length, SegmentSize - at);
            _closed.Add(_owned!._segments[(int)(start / SegmentSize)].AsMemory(at, part));
            start += part;
            length -= part;
        }
    }

    /// <summary>All bytes, in pieces.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Pieces()
    {
        Close();
        return _closed;
    }

    /// <summary>Empties the buffer.</summary>
    public void Clear()
    {
        foreach (var segment in _segments)
        {
            SegmentPool.Return(segment);
        }

        _segments.Clear();
        _closed.Clear();
        _owned?.Dispose();
        _owned = null;
        _last = [];
        (_opened, _used, Length) = (0, 0, 0);
    }

    public void Dispose() => Clear();

    private void Close()
    {
        if (_used > _opened)
        {
            _closed.Add(_last.AsMemory(_opened, _used - _opened));
            _opened = _used;
        }
    }

    private void Extend()
    {
        Close();
        _last = SegmentPool.Rent();
        _segments.Add(_last);
        (_opened, _used) = (0, 0);
    }
}
