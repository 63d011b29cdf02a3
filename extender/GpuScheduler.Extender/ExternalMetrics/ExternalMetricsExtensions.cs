using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Aggregation;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace GpuScheduler.Extender.ExternalMetrics;

/// <summary>Adds external metrics, on addresses of their own: they are served to the aggregator alone, and to it nothing else.</summary>
internal static class ExternalMetricsExtensions
{
    /// <summary>Marks the connections of <see cref="ExternalMetricsSettings.Urls"/>.</summary>
    private static readonly object s_mark = new();

    public static void AddExternalMetrics(this IServiceCollection services, ExtenderOptions options)
    {
        if (options.ExternalMetrics.IsEnabled)
        {
            services.AddSingleton<IMetricSource, QueueMetrics>();
            services.AddSingleton<IAggregation>(s => new Aggregation(s.GetRequiredService<KubernetesConnection>()));
            services.AddSingleton<FrontProxy>();
            services.AddSingleton<ExternalMetricsApi>();
            services.AddHostedService(s => s.GetRequiredService<FrontProxy>());
        }
    }

    public static void ListenForExternalMetrics(this KestrelServerOptions kestrel, ExtenderOptions options)
    {
        foreach (var address in ListenAddress.ParseAll(options.ExternalMetrics.Urls))
        {
            address.Listen(kestrel, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                var proxy = listen.ApplicationServices.GetRequiredService<FrontProxy>();
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(proxy.Tls) });
                listen.Use(next => connection =>
                {
                    connection.Items[s_mark] = true;
                    return next(connection);
                });
            });
        }
    }

    public static void UseExternalMetrics(this WebApplication app, ExtenderOptions options)
    {
        if (options.ExternalMetrics.IsEnabled)
        {
            var api = app.Services.GetRequiredService<ExternalMetricsApi>();
            app.Use((context, next) => context.Features.Get<IConnectionItemsFeature>()?.Items.ContainsKey(s_mark) == true ? api.ServeAsync(context) : next(context));
        }
    }
}
