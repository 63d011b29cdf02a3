using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Extender.Inspection;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Recordings;

namespace GpuScheduler.Extender.Decisions;

/// <summary>Puts together what records and explains decisions.</summary>
internal static class DecisionServices
{
    /// <summary>Registers it.</summary>
    public static IServiceCollection AddDecisions(this IServiceCollection services, ExtenderOptions options)
    {
        services.AddSingleton<DecisionLog>();
        services.AddSingleton<IDecisionRecorder>(s => s.GetRequiredService<DecisionLog>());
        services.AddSingleton<PodExplainer>();
        services.AddSingleton<DecisionEndpoints>();
        services.AddSingleton<MapEndpoint>();
        services.AddHostedService<AuditLog>();
        if (options.Recording is { Path.Length: > 0 } recording)
        {
            services.AddSingleton(s => new Recorder(
                recording.Path,
                recording.MaxMiB * 1024L * 1024,
                new RecordedSettings(options.Engine.Weights, options.Engine.AnswerOneNode, options.Holds)
                {
                    Gangs = options.Gangs.Enabled ? options.Gangs.Over(new GangOptions { Preempts = s.GetService<IPodEvictor>() is not null }) : null,
                },
                s.GetRequiredService<TimeProvider>()));
            services.AddSingleton<IClusterObserver>(s => s.GetRequiredService<Recorder>());
        }

        return services;
    }

    /// <summary>Serves it.</summary>
    public static void MapDecisions(this IEndpointRouteBuilder routes)
    {
        routes.ServiceProvider.GetRequiredService<DecisionEndpoints>().Map(routes);
        routes.ServiceProvider.GetRequiredService<MapEndpoint>().Map(routes);
        Page.Map(routes);
    }
}
