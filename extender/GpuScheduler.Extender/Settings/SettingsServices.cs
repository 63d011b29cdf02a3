using GpuScheduler.Extender.Canary;

namespace GpuScheduler.Extender.Settings;

/// <summary>Puts together what changes settings while the service runs.</summary>
internal static class SettingsServices
{
    /// <summary>Registers it.</summary>
    public static IServiceCollection AddSettings(this IServiceCollection services, ExtenderOptions options, SettingsSource source, LoggingSettings logging)
    {
        services.AddSingleton(source);
        services.AddSingleton(logging);
        services.AddSingleton(new SettingsInUse(options));
        services.AddSingleton<EngineControl>();
        services.AddSingleton<SettingsReloader>();
        services.AddSingleton<SettingsEndpoint>();
        services.AddSingleton<CanaryEndpoint>();
        if (source.File is not null)
        {
            services.AddSingleton<SettingsWatcher>();
            services.AddHostedService(s => s.GetRequiredService<SettingsWatcher>());
        }

        return services;
    }

    /// <summary>Serves it.</summary>
    public static void MapSettings(this IEndpointRouteBuilder routes)
    {
        routes.ServiceProvider.GetRequiredService<SettingsEndpoint>().Map(routes);
        routes.ServiceProvider.GetRequiredService<CanaryEndpoint>().Map(routes);
    }
}
