using GpuScheduler.NodeAgent.Nvml;

namespace GpuScheduler.NodeAgent.Facts;

/// <summary>Facts that could not be read, each with the reason once and the GPUs it is about.</summary>
internal sealed class Unknowns
{
    /// <summary>As many as the resource definition allows.</summary>
    private const int Most = 64;

    private const int LongestText = 512;

    private readonly SortedDictionary<string, SortedSet<int>> _reasons = new(StringComparer.Ordinal);

    /// <summary>Notes a fact that no answer or an error was given for. That a device has no such feature is an answer.</summary>
    public void Add(string fact, NvmlReturn code, int gpu = -1)
    {
        if (code is NvmlReturn.Success or NvmlReturn.NotSupported)
        {
            return;
        }

        Add(fact, code == NvmlReturn.FunctionNotFound ? "the driver's library has no call for it" : $"the driver answered {(int)code} ({code})", gpu);
    }

    public void Add(string fact, string why, int gpu = -1)
    {
        var text = $"{fact}: {why}";
        if (!_reasons.TryGetValue(text, out var gpus))
        {
            _reasons[text] = gpus = [];
        }

        if (gpu >= 0)
        {
            gpus.Add(gpu);
        }
    }

    public IEnumerable<string> ToTexts() =>
        _reasons.Take(Most).Select(r => r.Value.Count == 0 ? r.Key : $"{r.Key} (GPU {string.Join(", ", r.Value)})").Select(t => t.Length > LongestText ? t[..LongestText] : t);
}
