using System.Buffers;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// A window that moves over a stream: what was read and not yet used, in one piece. It grows when a piece does not fit, so that
/// memory is that of the largest object and not of the whole answer.
/// </summary>
/// <param name="stream">The stream; left open.</param>
/// <param name="most">Largest size; a piece that is larger is a fault.</param>
internal sealed class StreamWindow(Stream stream, int most = StreamWindow.UsualMost) : IDisposable
{
    /// <summary>The API server stores no object over 1.5 MiB (etcd's limit) by default; this leaves room for larger limits.</summary>
    public const int UsualMost = 64 * 1024 * 1024;

    private const int FirstSize = 64 * 1024;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstSize);
    private int _start;
    private int _end;

    /// <summary>What was read and not yet used.</summary>
    public ReadOnlySpan<byte> Unused => _buffer.AsSpan(_start, _end - _start);

    /// <summary>True when the stream has ended.</summary>
    public bool IsCompleted { get; private set; }

    /// <summary>Gives up the first bytes.</summary>
    public void Use(int count) => _start += count;

    /// <summary>Reads once: at least a byte, or the end.</summary>
    /// <exception cref="InvalidDataException">The piece is too large.</exception>
    public async ValueTask<int> ReadAsync(CancellationToken cancellationToken)
    {
        MakeRoom();
        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        _end += read;
        IsCompleted = read == 0;
        return read;
    }

    /// <summary>True when the next read would have to grow the window.</summary>
    public bool IsFull => _end == _buffer.Length;

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _start = _end = 0;
    }

    private void MakeRoom()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }

        if (_end < _buffer.Length)
        {
            return;
        }

        if (_start > 0)
        {
            Unused.CopyTo(_buffer);
        }
        else if (_buffer.Length < most)
        {
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            Unused.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
        else
        {
            throw new InvalidDataException($"an object of more than {most} bytes");
        }

        _end -= _start;
        _start = 0;
    }
}
