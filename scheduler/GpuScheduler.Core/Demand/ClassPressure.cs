namespace GpuScheduler.Core.Demand;

/// <summary>
/// How much the pods to come depend on each class of nodes. A pod presses on the classes that could take it when empty, by its share
/// of the demand over their share of the cards: many pods that can go to few nodes press hard, those that can go anywhere press
/// alike on all. The least pressed class counts as 0. Pods that no node could take do not count.
/// </summary>
internal sealed class ClassPressure
{
    private readonly Dictionary<NodeClass, double> _pressure = [];

    /// <summary>Works out the pressure on each class.</summary>
    /// <param name="kinds">The pods to come, with their shares.</param>
    /// <param name="census">The nodes.</param>
    public ClassPressure(IReadOnlyList<(DemandKind Kind, double Share)> kinds, NodeCensus census)
    {
        var classes = census.Classes;
        var pressure = new double[classes.Count];
        var able = new bool[classes.Count];
        var demand = 0.0;
        foreach (var (kind, share) in kinds)
        {
            var cards = census.FindAble(kind, able);
            if (cards == 0)
            {
                continue;
            }

            var asked = share * kind.TotalMilli;
            demand += asked;
            for (var i = 0; i < pressure.Length; i++)
            {
                pressure[i] += able[i] ? asked / cards : 0;
            }
        }

        if (demand > 0)
        {
            var least = pressure.Min();
            for (var i = 0; i < pressure.Length; i++)
            {
                _pressure[classes[i].Class] = (pressure[i] - least) * census.Cards / demand;
            }
        }
    }

    /// <summary>The pressure on a class; 0 for one that was not there.</summary>
    public double On(in NodeClass nodeClass) => _pressure.GetValueOrDefault(nodeClass);
}
