using System.Globalization;

namespace GpuScheduler.Core.Requests;

/// <summary>What a pod asks for, in words for people: the one place that puts a request into words.</summary>
public static class RequestWords
{
    /// <summary>What the pod asks for; see <see cref="Of(GpuRequest)"/>.</summary>
    public static string Of(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return pod.Invalid is null ? Of(pod.Request) : "a request that cannot be understood";
    }

    /// <summary>For example "8 GPUs", "4 x H100 or A100 (NVLink required)", "2 x MIG 1g.10gb", "a share of 1 GPU (250 milli, 4096 MiB)".</summary>
    public static string Of(GpuRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!request.WantsGpu)
        {
            return "no GPU";
        }

        var parts = new List<string>();
        if (request.WholeGpus > 0)
        {
            parts.Add(Gpus(request.WholeGpus, request));
        }

        if (request.ShareCount > 0)
        {
            var size = new List<string>();
            void Add(int value, string unit)
            {
                if (value > 0)
                {
                    size.Add(string.Create(CultureInfo.InvariantCulture, $"{value}{unit}"));
                }
            }

            Add(request.ShareMilli, " milli");
            Add(request.ShareMemoryMiB, " MiB");
            Add(request.ShareMemoryPermille, " permille of memory");
            Add(request.ShareMemoryUnits, " units of memory");
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"a share of {Gpus(request.ShareCount, request)} ({string.Join(", ", size)})"));
        }

        parts.AddRange(request.Mig.Select(m => Number(m.Count, "MIG " + m.Profile)));
        var limits = new List<string>();
        if (request.Nvlink == NvlinkRequirement.Required)
        {
            limits.Add("NVLink required");
        }

        if (request.MinGpuMemoryMiB > 0)
        {
            limits.Add(string.Create(CultureInfo.InvariantCulture, $"at least {request.MinGpuMemoryMiB} MiB each"));
        }

        if (!request.AvoidedModels.IsEmpty)
        {
            limits.Add("not " + string.Join(", ", request.AvoidedModels));
        }

        if (request.LimitsUuids)
        {
            limits.Add("certain UUIDs");
        }

        return string.Join(" and ", parts) + (limits.Count > 0 ? $" ({string.Join(", ", limits)})" : "");
    }

    private static string Gpus(int count, GpuRequest request) => request.Models.IsEmpty
        ? string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "GPU" : "GPUs")}")
        : Number(count, string.Join(" or ", request.Models));

    private static string Number(int count, string of) => string.Create(CultureInfo.InvariantCulture, $"{count} x {of}");
}
