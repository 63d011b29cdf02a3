using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace GpuScheduler.Extender.Hosting;

/// <summary>
/// The web server's buffers, in blocks of 32 KiB. Its own are 4 KiB, and it asks the kernel for one block at a time: a request that
/// names 5,000 nodes would take 25 reads.
/// </summary>
internal sealed class LargeBlockMemoryPool : MemoryPool<byte>
{
    private const int BlockSize = 32 * 1024;

    /// <summary>Most blocks kept: 16 MiB.</summary>
    private const int Most = 512;

    private readonly ConcurrentQueue<Block> _free = new();

    public override int MaxBufferSize => BlockSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
        if (!_free.TryDequeue(out var block))
        {
            block = new Block(this);
        }

        block.Rented = true;
        return block;
    }

    protected override void Dispose(bool disposing) => _free.Clear();

    /// <summary>Gives every transport a pool of its own.</summary>
    internal sealed class Factory : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new LargeBlockMemoryPool();
    }

    private sealed class Block(LargeBlockMemoryPool pool) : IMemoryOwner<byte>
    {
        // Pinned for good: the kernel writes into it.
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockSize, pinned: true);

        public bool Rented { get; set; }

        public Memory<byte> Memory => _bytes;

        public void Dispose()
        {
            if (Rented)
            {
                Rented = false;
                if (pool._free.Count < Most)
                {
                    pool._free.Enqueue(this);
                }
            }
        }
    }
}
