using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Extender.Decisions;

namespace GpuScheduler.Extender.Shadow;

/// <summary>Puts the shadow together.</summary>
internal static class ShadowServices
{
    /// <summary>Registers it, if there is one.</summary>
    public static IServiceCollection AddShadow(this IServiceCollection services, ExtenderOptions options)
    {
        services.AddSingleton<ShadowEndpoints>();
        if (!options.Shadow.IsOn)
        {
            return services;
        }

        services.AddSingleton(new ShadowFeed(options.Shadow.QueueLimit));
        services.AddSingleton<IClusterObserver>(s => s.GetRequiredService<ShadowFeed>());
        services.AddSingleton<ShadowService>();
        services.AddHostedService(s => s.GetRequiredService<ShadowService>());
        if (options.Cluster is { Length: > 0 })
        {
            services.AddSingleton<IDecisionRecorder, ShadowArrivals>();
        }

        return services;
    }

    /// <summary>The profile that serves, made anew: for the control beside the shadow.</summary>
    public static Profile Serving(ExtenderOptions options) => Profile.Create(options.Engine.Weights);
}
