namespace GpuScheduler.Core.Cluster;

/// <summary>
/// How the GPUs of one node are wired, as two layers: NVLink bandwidth and PCIe distance. Symmetric; equal by content, so that
/// all nodes of one kind can share what is precomputed for it.
/// </summary>
public sealed class InterconnectMatrix : IEquatable<InterconnectMatrix>
{
    /// <summary>Most GPUs of a node that are told apart.</summary>
    public const int MostGpus = 64;

    /// <summary>Bandwidth of one NVLink per direction, in MB/s, where only their number is known: 25 GB/s, as NVLink 2 to 4 have it.</summary>
    public const int UsualNvlinkMBps = 25_000;

    private readonly int[] _nvlinkMBps;
    private readonly byte[] _pcie;
    private readonly int _hash;

    /// <summary>Creates a matrix.</summary>
    /// <param name="gpuCount">Number of GPUs, 0..64.</param>
    /// <param name="nvlinkMBps">NVLink bandwidth of a pair per direction, in MB/s (10^6 bytes), row by row; 0 where there is no link.</param>
    /// <param name="pcie">PCIe distance of a pair, row by row.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, or a layer is not symmetric.</exception>
    public InterconnectMatrix(int gpuCount, ReadOnlySpan<int> nvlinkMBps, ReadOnlySpan<PcieLevel> pcie)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(gpuCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(gpuCount, MostGpus);
        if (nvlinkMBps.Length != gpuCount * gpuCount || pcie.Length != gpuCount * gpuCount)
        {
            throw new ArgumentException($"both layers must hold {gpuCount} x {gpuCount} values");
        }

        GpuCount = gpuCount;
        _nvlinkMBps = nvlinkMBps.ToArray();
        _pcie = new byte[pcie.Length];
        var hash = new HashCode();
        hash.Add(gpuCount);
        for (var a = 0; a < gpuCount; a++)
        {
            for (var b = 0; b < gpuCount; b++)
            {
                var at = (a * gpuCount) + b;
                if (a == b)
                {
                    _nvlinkMBps[at] = 0;
                    continue;
                }

                if (nvlinkMBps[at] < 0 || nvlinkMBps[at] != nvlinkMBps[(b * gpuCount) + a] || pcie[at] != pcie[(b * gpuCount) + a])
                {
                    throw new ArgumentException($"GPUs {a} and {b}: a link must be the same in both directions and not negative");
                }

                _pcie[at] = (byte)pcie[at];
                hash.Add(_nvlinkMBps[at]);
                hash.Add(_pcie[at]);
            }
        }

        _hash = hash.ToHashCode();
    }

    /// <summary>Number of GPUs.</summary>
    public int GpuCount { get; }

    /// <summary>True when any pair has an NVLink.</summary>
    public bool HasNvlink => _nvlinkMBps.AsSpan().IndexOfAnyExcept(0) >= 0;

    /// <summary>NVLink bandwidth between two GPUs per direction, in MB/s; 0 where there is none.</summary>
    public int NvlinkMBps(int a, int b) => _nvlinkMBps[(a * GpuCount) + b];

    /// <summary>PCIe distance between two GPUs.</summary>
    public PcieLevel Pcie(int a, int b) => (PcieLevel)_pcie[(a * GpuCount) + b];

    /// <summary>The same with other layers; null keeps the layer.</summary>
    internal InterconnectMatrix With(int[]? nvlinkMBps, PcieLevel[]? pcie) =>
        new(GpuCount, nvlinkMBps ?? _nvlinkMBps, pcie ?? Array.ConvertAll(_pcie, static level => (PcieLevel)level));

    /// <summary>GPUs without any link between them, all equally far apart.</summary>
    public static InterconnectMatrix Unlinked(int gpuCount)
    {
        var pcie = new PcieLevel[gpuCount * gpuCount];
        Array.Fill(pcie, PcieLevel.System);
        return new InterconnectMatrix(gpuCount, new int[gpuCount * gpuCount], pcie);
    }

    /// <inheritdoc/>
    public bool Equals(InterconnectMatrix? other) =>
        other is not null && other._hash == _hash && other.GpuCount == GpuCount
        && other._nvlinkMBps.AsSpan().SequenceEqual(_nvlinkMBps) && other._pcie.AsSpan().SequenceEqual(_pcie);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as InterconnectMatrix);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;
}
