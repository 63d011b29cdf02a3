using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Demand;

/// <summary>
/// How much of the free GPU of a node will most likely stay free for lack of CPU, in milli-GPU. Two views are added: the GPU beyond
/// what the free CPU is enough for at the mean CPU per GPU of the pods to come, and what stays free when they come in random order
/// and each that fits is taken, less what would stay free with any amount of CPU.
/// </summary>
/// <remarks>
/// The first view sends pods that need less CPU per GPU than the mean to nodes that are short of it, and the others to nodes that have
/// more than enough. The second keeps the last cores of a node for the last of its GPUs. It may be less than 0: where CPU keeps the
/// larger pods out, the smaller ones sometimes fill a node better.
/// </remarks>
internal sealed class CpuWaste
{
    private const int CpuCells = 256;
    private const int GpuCells = 800;

    private readonly double _cpuPerGpu;
    private readonly double _cpuCell;
    private readonly double _gpuCell;
    private readonly float[] _left = [];

    /// <summary>Works out the table.</summary>
    /// <param name="kinds">The pods to come, with their shares.</param>
    /// <param name="mostCpuMilli">CPU of the largest node, in milli-CPU.</param>
    /// <param name="mostCards">Cards of the largest node.</param>
    public CpuWaste(IReadOnlyList<(DemandKind Kind, double Share)> kinds, long mostCpuMilli, int mostCards)
    {
        _cpuPerGpu = kinds.Sum(k => k.Share * k.Kind.CpuMilli) / kinds.Sum(k => k.Share * k.Kind.TotalMilli);
        _cpuCell = Math.Max(1, mostCpuMilli / (double)CpuCells);
        _gpuCell = Math.Max(1, mostCards * (double)SharePacking.WholeCard / GpuCells);
        if (mostCpuMilli > 0 && mostCards > 0)
        {
            _left = Fill(kinds);
        }
    }

    /// <summary>Mean CPU per GPU, in milli-CPU per milli-GPU.</summary>
    public double CpuPerGpu => _cpuPerGpu;

    /// <summary>The waste of a node, in milli-GPU.</summary>
    /// <param name="cpuMilli">Its free CPU, in milli-CPU.</param>
    /// <param name="gpuMilli">Its free GPU, in milli-GPU.</param>
    public double Of(long cpuMilli, int gpuMilli)
    {
        if (_left.Length == 0 || gpuMilli == 0)
        {
            return 0;
        }

        var cpu = Math.Max(0, cpuMilli);
        var row = Math.Min(CpuCells, (int)(cpu / _cpuCell));
        var cell = Math.Min(GpuCells, (int)(gpuMilli / _gpuCell));
        var beyond = _cpuPerGpu > 0 ? Math.Max(0, gpuMilli - (cpu / _cpuPerGpu)) : 0;
        return beyond + _left[(row * (GpuCells + 1)) + cell];
    }

    private float[] Fill(IReadOnlyList<(DemandKind Kind, double Share)> kinds)
    {
        var steps = kinds
            .GroupBy(k => (Cpu: (int)Math.Min(CpuCells + 1, Math.Ceiling(k.Kind.CpuMilli / _cpuCell)), Gpu: (int)Math.Min(GpuCells + 1, Math.Ceiling(k.Kind.TotalMilli / _gpuCell))))
            .Select(g => (g.Key.Cpu, g.Key.Gpu, Share: g.Sum(k => k.Share)))
            .OrderBy(s => s.Gpu).ThenBy(s => s.Cpu)
            .ToArray();
        var all = steps.Sum(s => s.Share);
        for (var i = 0; i < steps.Length; i++)
        {
            steps[i].Share /= all;
        }

        // With any amount of CPU: one row, in which no step moves down.
        const int width = GpuCells + 1;
        var unbounded = new double[width];
        FillRow(unbounded, 0, Array.ConvertAll(steps, s => s with { Cpu = 0 }));
        var left = new double[(CpuCells + 1) * width];
        for (var row = 0; row <= CpuCells; row++)
        {
            FillRow(left, row, steps);
        }

        var waste = new float[left.Length];
        for (var i = 0; i < waste.Length; i++)
        {
            waste[i] = (float)(left[i] - unbounded[i % width]);
        }

        return waste;
    }

    private void FillRow(double[] left, int row, (int Cpu, int Gpu, double Share)[] steps)
    {
        var start = row * (GpuCells + 1);
        for (var cell = 0; cell <= GpuCells; cell++)
        {
            double fitting = 0, after = 0;
            foreach (var (cpu, gpu, share) in steps)
            {
                if (gpu > cell)
                {
                    break;
                }

                if (cpu <= row)
                {
                    fitting += share;
                    after += share * left[start - (cpu * (GpuCells + 1)) + cell - gpu];
                }
            }

            left[start + cell] = RandomFill.Left(fitting, after, cell * _gpuCell);
        }
    }
}
