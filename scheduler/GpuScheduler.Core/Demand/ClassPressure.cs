using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Demand;

/// <summary>
/// How much the pods to come depend on each class of nodes. A pod presses on the classes that could take it when empty, by its share
/// of the demand over their share of the cards: many pods that can go to few nodes press hard, those that can go anywhere press
/// alike on all. The least pressed class counts as 0.
/// </summary>
internal sealed class ClassPressure
{
    private readonly Dictionary<NodeClass, double> _pressure = [];

    /// <summary>Works out the pressure on each class.</summary>
    public ClassPressure(IReadOnlyList<(DemandKind Kind, double Share)> kinds, NodeCensus census)
    {
        var classes = census.Classes.Select(c => (c.Key, c.Value.Cards, c.Value.Product)).ToArray();
        var pressure = new double[classes.Length];
        var able = new bool[classes.Length];
        var demand = kinds.Sum(k => k.Share * k.Kind.TotalMilli);
        foreach (var byModels in kinds.GroupBy(k => k.Kind.Models))
        {
            var models = byModels.Key.Length == 0 ? [] : byModels.Key.Split('|');
            var allowed = Array.ConvertAll(classes, c => models.Length == 0 || GpuModelMatch.Matches(models, c.Product));
            foreach (var (kind, share) in byModels)
            {
                var cards = 0;
                for (var i = 0; i < classes.Length; i++)
                {
                    able[i] = allowed[i] && classes[i].Key.HasRoomFor(kind);
                    cards += able[i] ? classes[i].Cards : 0;
                }

                for (var i = 0; i < classes.Length; i++)
                {
                    pressure[i] += able[i] ? share * kind.TotalMilli / demand * census.Cards / cards : 0;
                }
            }
        }

        for (var i = 0; i < classes.Length; i++)
        {
            _pressure[classes[i].Key] = pressure[i] - pressure.Min();
        }
    }

    /// <summary>The pressure on a class; 0 for one that was not there.</summary>
    public double On(in NodeClass nodeClass) => _pressure.GetValueOrDefault(nodeClass);
}
