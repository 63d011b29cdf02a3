using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using GpuScheduler.Extender.ExternalMetrics;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Forecast;

namespace GpuScheduler.Extender.Forecasting;

/// <summary>The forecast as metrics: of Prometheus, and for autoscalers. While there is no forecast there is no value, so that an autoscaler leaves things as they are.</summary>
internal sealed class ForecastMetrics(ForecastService service, ExtenderOptions options, ExtenderMetrics metrics) : IMetricSource
{
    public const string ForecastGpus = "gpu_scheduler_forecast_gpus";

    private const string Horizon = "horizon";
    private const string Bound = "bound";
    private const string Model = "model";
    private const string High = "high";

    private static readonly (string Name, Func<ForecastPoint, double> Value)[] s_bounds = [("expected", p => p.Expected), ("low", p => p.Low), (High, p => p.High)];

    private readonly IReadOnlyList<(string Name, TimeSpan Lead)> _leads = options.Forecast.ReadLeads();

    public ImmutableArray<string> Names { get; } = [ForecastGpus];

    /// <summary>Shows it to Prometheus.</summary>
    public void Observe()
    {
        metrics.Observe("gpu_scheduler.demand_gpus", "", "GPUs that are demanded, mean of the last step, by model that pods name.", Demand);
        metrics.Observe("gpu_scheduler.forecast_gpus", "", "GPUs that will be demanded, by time ahead, bound and model.", () => Values().Select(v => new Measurement<double>(v.Gpus, new(Horizon, v.Horizon), new(Bound, v.Bound), new(Model, v.Model))));
        metrics.Observe("gpu_scheduler.forecast_error_gpus", "", "Mean absolute error of the methods in the running back-test, in GPUs of all demand, by time ahead.", () => All is not { } all ? [] : _leads.SelectMany(l => all.ErrorsAhead(l.Lead).Select(e => new Measurement<double>(e.Mae, new("method", e.Method), new(Horizon, l.Name)))));
    }

    /// <summary>
    /// The values that are selected. What a selector does not speak of has one value, since an autoscaler adds up all it gets: the upper bound, of
    /// all models, for the first time ahead. They are of the cluster, whichever namespace is asked for.
    /// </summary>
    public IReadOnlyList<ExternalMetric>? Find(string name, string podNamespace, LabelSelector selector) => name != ForecastGpus ? null :
    [
        .. Values()
            .Where(v => (selector.Names(Bound) || v.Bound == High) && (selector.Names(Model) || v.Model == ForecastView.All) && (selector.Names(Horizon) || v.Horizon == _leads[0].Name))
            .Select(v => new ExternalMetric(
                new Dictionary<string, string>(StringComparer.Ordinal) { [Horizon] = v.Horizon, [Bound] = v.Bound, [Model] = v.Model, [QueueMetrics.Scope] = QueueMetrics.OfCluster },
                (long)Math.Ceiling(Math.Round(v.Gpus * 1000, 3))))
            .Where(m => selector.Matches(m.Labels)),
    ];

    private DemandForecast? All => service.View.Results.GetValueOrDefault(ForecastView.All)?.Forecast;

    private IEnumerable<(string Horizon, string Bound, string Model, double Gpus)> Values()
    {
        foreach (var (model, result) in service.View.Results)
        {
            foreach (var (horizon, lead) in _leads)
            {
                if (result.Forecast?.Ahead(lead) is { } point)
                {
                    foreach (var (bound, value) in s_bounds)
                    {
                        yield return (horizon, bound, model, value(point));
                    }
                }
            }
        }
    }

    private IEnumerable<Measurement<double>> Demand()
    {
        var view = service.View;
        return view.Newest is not { } newest ? [] : view.Results.Keys.Select(m => new Measurement<double>(m == ForecastView.All ? newest.Gpus : newest.Models.GetValueOrDefault(m), new KeyValuePair<string, object?>(Model, m)));
    }
}
