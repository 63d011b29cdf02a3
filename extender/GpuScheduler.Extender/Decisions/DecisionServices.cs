using GpuScheduler.Extender.Inspection;

namespace GpuScheduler.Extender.Decisions;

/// <summary>Puts together what records and explains decisions.</summary>
internal static class DecisionServices
{
    /// <summary>Registers it.</summary>
    public static IServiceCollection AddDecisions(this IServiceCollection services)
    {
        services.AddSingleton<DecisionLog>();
        services.AddSingleton<IDecisionRecorder>(s => s.GetRequiredService<DecisionLog>());
        services.AddSingleton<PodExplainer>();
        services.AddSingleton<DecisionEndpoints>();
        services.AddSingleton<MapEndpoint>();
        services.AddHostedService<AuditLog>();
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
