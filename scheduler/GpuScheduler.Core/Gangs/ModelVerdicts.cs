using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>Which products a request allows, found out once a product.</summary>
internal sealed class ModelVerdicts(GpuRequest request)
{
    private readonly Dictionary<int, bool> _verdicts = [];

    public bool Allow(NodeFacts node)
    {
        if (!request.LimitsModels)
        {
            return true;
        }

        if (!_verdicts.TryGetValue(node.ProductId, out var verdict))
        {
            _verdicts[node.ProductId] = verdict = request.AllowsModel(node.Product);
        }

        return verdict;
    }
}
