namespace GpuScheduler.NodeAgent.Facts;

/// <summary>Which XIDs make a GPU unfit for the next pod (NVIDIA's XID catalogue).</summary>
internal static class XidRules
{
    /// <summary>
    /// Faults of the program that ran (13, 31, 43, 45, 68, 69, 109, 137), an error that was contained to it (94), and errors that the
    /// GPU has dealt with (63: a row will be remapped; 92: many corrected errors). All others, also those of a later driver, count as
    /// faults of the GPU: a GPU withdrawn without need costs less than a job that dies over and over.
    /// </summary>
    private static readonly HashSet<uint> s_harmless = [13, 31, 43, 45, 63, 68, 69, 92, 94, 109, 137];

    private static readonly Dictionary<uint, string> s_words = new()
    {
        [48] = "double-bit ECC error",
        [61] = "internal microcontroller halt",
        [62] = "internal microcontroller halt",
        [64] = "a row could not be remapped",
        [74] = "NVLink error",
        [79] = "fallen off the bus",
        [95] = "uncontained ECC error",
        [119] = "GPU system processor does not answer",
        [120] = "GPU system processor error",
        [140] = "unrecovered ECC error",
    };

    /// <summary>Why an XID takes the GPU out of the offer; null when it does not.</summary>
    public static string? Fault(uint xid) =>
        s_harmless.Contains(xid) ? null : s_words.TryGetValue(xid, out var words) ? $"XID {xid}: {words}" : $"XID {xid}";
}
