using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>What the annotations of dialects ask for.</summary>
internal static class DialectAnnotations
{
    /// <summary>Reads the fraction that a pod asks for in KAI's annotations; null when it does not.</summary>
    public static bool TryReadKai(IReadOnlyDictionary<string, string> annotations, int mostGpus, out ShareAmounts? amounts, [NotNullWhen(false)] out string? invalid)
    {
        amounts = null;
        invalid = null;
        var permille = 0;
        var memory = 0;
        var count = 1;
        if (annotations.TryGetValue(ShareDialects.KaiFraction, out var fraction)
            && !(decimal.TryParse(fraction, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var part) && part < 1 && (permille = (int)(part * 1000)) >= 1))
        {
            invalid = Explain(ShareDialects.KaiFraction, fraction, $"a number from 0.001 to 0.999 is allowed; whole GPUs are asked for with {GpuAnnotations.GpuResource}");
        }
        else if (annotations.TryGetValue(ShareDialects.KaiMemory, out var text) && !FieldValue.TryInteger(text, 1, int.MaxValue, out memory))
        {
            invalid = Explain(ShareDialects.KaiMemory, text, "a whole number of MiB, at least 1, is allowed");
        }
        else if (annotations.TryGetValue(ShareDialects.KaiCount, out var devices) && !FieldValue.TryInteger(devices, 1, mostGpus, out count))
        {
            invalid = Explain(ShareDialects.KaiCount, devices, $"a whole number from 1 to {mostGpus} is allowed");
        }
        else if (permille > 0 && memory > 0)
        {
            invalid = Explain(ShareDialects.KaiMemory, text!, $"{ShareDialects.KaiFraction} says it, too: remove one of them");
        }
        else if (permille == 0 && memory == 0 && devices is not null)
        {
            invalid = Explain(ShareDialects.KaiCount, devices, $"it goes with {ShareDialects.KaiFraction} or {ShareDialects.KaiMemory}");
        }

        if (permille > 0 || memory > 0)
        {
            amounts = new ShareAmounts(count, memory, permille, permille, 0);
        }

        return invalid is null;
    }

    /// <summary>Adds the limits that HAMi's annotations put on the GPUs that will do.</summary>
    public static bool TryLimit(IReadOnlyDictionary<string, string> annotations, ref GpuRequest request, out string? invalid)
    {
        invalid = null;
        if (!SaysLimits(annotations))
        {
            return true;
        }

        if (!TryList(annotations, ShareDialects.UseTypes, out var models, ref invalid) || !TryList(annotations, ShareDialects.AvoidTypes, out var avoidedModels, ref invalid)
            || !TryList(annotations, ShareDialects.UseUuids, out var uuids, ref invalid) || !TryList(annotations, ShareDialects.AvoidUuids, out var avoidedUuids, ref invalid))
        {
            return false;
        }

        if (!models.IsEmpty && !request.Models.IsEmpty)
        {
            invalid = Explain(ShareDialects.UseTypes, annotations[ShareDialects.UseTypes], $"{GpuAnnotations.GpuModel} says it, too: remove one of them");
        }
        else if (!(uuids.IsEmpty && avoidedUuids.IsEmpty) && !request.Mig.IsEmpty)
        {
            var name = uuids.IsEmpty ? ShareDialects.AvoidUuids : ShareDialects.UseUuids;
            invalid = Explain(name, annotations[name], "MIG devices are not chosen by the UUID of their GPU: remove it");
        }
        else if (annotations.TryGetValue(ShareDialects.VgpuMode, out var mode) && !mode.Contains("hami-core", StringComparison.Ordinal))
        {
            invalid = Explain(ShareDialects.VgpuMode, mode, $"hami-core is allowed; MIG devices are asked for with {GpuAnnotations.MigResourcePrefix}<profile>");
        }
        else if (request.DeviceCount > 1 && annotations.TryGetValue(ShareDialects.NumaBind, out var bind) && bind is "true" or "True" or "TRUE" or "t" or "T" or "1")
        {
            invalid = Explain(ShareDialects.NumaBind, bind, $"it is not supported for more than one GPU; {GpuAnnotations.Nvlink}: required keeps GPUs together by their links");
        }

        if (invalid is not null)
        {
            return false;
        }

        request = request with
        {
            Models = models.IsEmpty ? request.Models : models,
            AvoidedModels = avoidedModels,
            Uuids = uuids,
            AvoidedUuids = avoidedUuids,
        };
        return true;
    }

    private static bool SaysLimits(IReadOnlyDictionary<string, string> annotations)
    {
        foreach (var limit in ShareDialects.Hami.Asks)
        {
            if (annotations.ContainsKey(limit))
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryList(IReadOnlyDictionary<string, string> annotations, string name, out ImmutableArray<string> list, ref string? invalid)
    {
        list = [];
        if (!annotations.TryGetValue(name, out var value))
        {
            return true;
        }

        // HAMi calls the types "NVIDIA-" and the name that the driver gives, which itself begins with NVIDIA on newer cards.
        const string Doubled = "NVIDIA-NVIDIA";
        list = [.. value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(v => v.StartsWith(Doubled, StringComparison.OrdinalIgnoreCase) ? v["NVIDIA-".Length..] : v)];
        if (list.IsEmpty)
        {
            invalid = Explain(name, value, "one or more names separated by ',' are allowed");
        }

        return invalid is null;
    }

    private static string Explain(string name, string value, string allowed) => FieldValue.CannotBeUsed("annotation " + name, value, allowed);
}
