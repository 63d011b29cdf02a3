using GpuScheduler.Extender.ExternalMetrics;

namespace GpuScheduler.Extender.Forecasting;

/// <summary>Adds the forecast of demand.</summary>
internal static class ForecastExtensions
{
    public static void AddForecast(this IServiceCollection services, ExtenderOptions options)
    {
        services.AddSingleton(s => new ForecastEndpoints(options.Forecast, s.GetService<ForecastService>()));
        if (options.Forecast.IsEnabled)
        {
            services.AddSingleton<ForecastService>();
            services.AddSingleton<ForecastMetrics>();
            services.AddHostedService(s =>
            {
                s.GetRequiredService<ForecastMetrics>().Observe();
                return s.GetRequiredService<ForecastService>();
            });
            if (options.ExternalMetrics.IsEnabled)
            {
                services.AddSingleton<IMetricSource>(s => s.GetRequiredService<ForecastMetrics>());
            }
        }
    }

    public static void MapForecast(this IEndpointRouteBuilder routes) => routes.ServiceProvider.GetRequiredService<ForecastEndpoints>().Map(routes);
}
