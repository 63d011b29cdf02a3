using GpuScheduler.Core.Framework;

namespace GpuScheduler.Extender.Wire;

/// <summary>Writes ExtenderFilterResult. Names and reasons are copied as bytes that were encoded once.</summary>
internal static class FilterResponseWriter
{
    /// <summary>
    /// The answer to a request that was judged. With NodeNames in the request the answer has NodeNames; with Nodes it has the full
    /// objects as they came, because kube-scheduler then looks at nothing else and goes on with what it gets back.
    /// </summary>
    public static void Write(SegmentedBuffer output, ExtenderArgs args, ReadOnlySpan<Status> statuses)
    {
        if (args.HasNodes)
        {
            WriteNodes(output, args, statuses);
        }
        else
        {
            output.Write("{\"Nodes\":null,\"NodeNames\":["u8);
            WriteNames(output, args, statuses);
            output.Write("]"u8);
        }

        output.Write(",\"FailedNodes\":{"u8);
        WriteReasons(output, args, statuses, StatusCode.Unschedulable);
        output.Write("},\"FailedAndUnresolvableNodes\":{"u8);
        WriteReasons(output, args, statuses, StatusCode.UnschedulableAndUnresolvable);
        output.Write("},\"Error\":\"\"}"u8);
    }

    /// <summary>The answer to a request that cannot be judged.</summary>
    public static void WriteError(SegmentedBuffer output, string error)
    {
        output.Write("{\"Nodes\":null,\"NodeNames\":null,\"FailedNodes\":null,\"FailedAndUnresolvableNodes\":null,\"Error\":\""u8);

        // Through UTF-8: a text that was cut in the middle of a character is no reason to fail.
        output.Write(System.Text.Json.JsonEncodedText.Encode(System.Text.Encoding.UTF8.GetBytes(error)).EncodedUtf8Bytes);
        output.Write("\"}"u8);
    }

    private static void WriteNames(SegmentedBuffer output, ExtenderArgs args, ReadOnlySpan<Status> statuses)
    {
        var candidates = args.Candidates;
        var first = true;
        for (var i = 0; i < candidates.Length; i++)
        {
            if (!statuses[i].IsSuccess)
            {
                continue;
            }

            if (!first)
            {
                output.Write((byte)',');
            }

            first = false;
            output.Write(args.Snapshot.Index.JsonName(candidates[i]));
        }
    }

    private static void WriteNodes(SegmentedBuffer output, ExtenderArgs args, ReadOnlySpan<Status> statuses)
    {
        output.Write("{\"Nodes\":{\"metadata\":{},\"items\":["u8);
        output.Own(args.DetachBodies());
        var first = true;
        for (var i = 0; i < statuses.Length; i++)
        {
            if (!statuses[i].IsSuccess)
            {
                continue;
            }

            // Neighbours lie behind each other with their commas: a run of them is taken at once, without a copy.
            var (start, length) = args.BodyRanges[i];
            while (i + 1 < statuses.Length && statuses[i + 1].IsSuccess)
            {
                i++;
                length = (int)(args.BodyRanges[i].Start - start) + args.BodyRanges[i].Length;
            }

            if (!first)
            {
                output.Write((byte)',');
            }

            first = false;
            output.AppendOwned(start, length);
        }

        output.Write("]},\"NodeNames\":null"u8);
    }

    private static void WriteReasons(SegmentedBuffer output, ExtenderArgs args, ReadOnlySpan<Status> statuses, StatusCode code)
    {
        var candidates = args.Candidates;
        var first = true;
        var unknown = 0;
        for (var i = 0; i < candidates.Length; i++)
        {
            var name = candidates[i] >= 0 ? args.Snapshot.Index.JsonName(candidates[i]) : args.Unknown[unknown++];
            // Waiting is named in both maps: where there are both, the second counts, and kube-scheduler 1.20 knows the first alone.
            if ((statuses[i].Code != code && statuses[i].Code != StatusCode.Wait) || statuses[i] == Reasons.DecidedElsewhere)
            {
                // That a pod is decided for one node is no fault of the thousands of others: they are left out.
                continue;
            }

            if (!first)
            {
                output.Write((byte)',');
            }

            first = false;
            output.Write(name);
            output.Write((byte)':');
            output.Write(statuses[i].JsonReason.Span);
        }
    }
}
