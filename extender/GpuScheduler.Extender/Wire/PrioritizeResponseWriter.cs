namespace GpuScheduler.Extender.Wire;

/// <summary>Writes HostPriorityList: a bare list of {"Host","Score"}.</summary>
internal static class PrioritizeResponseWriter
{
    public static void Write(SegmentedBuffer output, ExtenderArgs args, ReadOnlySpan<int> scores)
    {
        var candidates = args.Candidates;
        var unknown = 0;
        output.Write((byte)'[');
        for (var i = 0; i < candidates.Length; i++)
        {
            if (i > 0)
            {
                output.Write((byte)',');
            }

            if (candidates[i] >= 0)
            {
                output.Write(args.Snapshot.Index.JsonHostPriority(candidates[i]));
            }
            else
            {
                output.Write("{\"Host\":"u8);
                output.Write(args.Unknown[unknown++]);
                output.Write(",\"Score\":"u8);
            }

            output.Write(scores[i]);
            output.Write((byte)'}');
        }

        output.Write((byte)']');
    }
}
