using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// How the members of the only role have to be grouped. Below the segment level members are counted, from it on outwards whole segments;
/// without segments these are the same. A total is then told by its segments and by whether the smaller one is among them.
/// </summary>
internal readonly record struct GangShape(int Segment, int SegmentLevel, int Rest, int SpreadLevel, int SpreadCap)
{
    public const int NoCap = int.MaxValue;

    /// <summary>True when one segment is smaller than the others.</summary>
    public bool HasRest => Rest > 0;

    public static GangShape Of(GangRole role)
    {
        var segment = role.Segment is { Members: > 1 } some ? some : new GangSpan(NetworkTopology.NodeLevel, 1);
        return new GangShape(segment.Members, segment.Level, role.Max % segment.Members, role.Spread?.Level ?? -1, role.Spread?.Members ?? NoCap);
    }

    /// <summary>The largest total with whole segments and the smaller one that is at most so many; may be negative.</summary>
    public int Down(int members) => Rest + (FloorDivide(members - Rest, Segment) * Segment);

    /// <summary>The smallest total with whole segments and the smaller one that is at least so many.</summary>
    public int Up(int members) => members <= Rest ? Rest : Rest + ((members - Rest + Segment - 1) / Segment * Segment);

    /// <summary>Whole segments of a total.</summary>
    public int Segments(int members) => (members - Rest) / Segment;

    /// <summary>The cap of a level, in members.</summary>
    public int CapOf(int level) => level == SpreadLevel ? SpreadCap : NoCap;

    public static int FloorDivide(int a, int b) => a >= 0 ? a / b : -((-a + b - 1) / b);
}
