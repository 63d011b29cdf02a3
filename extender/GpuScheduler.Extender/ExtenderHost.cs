using System.Net.Sockets;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Extender.ExternalMetrics;
using GpuScheduler.Extender.Forecasting;
using GpuScheduler.Extender.Grpc;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Inspection;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Extender.Security;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Extender.Shadow;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Recordings;
using GpuScheduler.Solver;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace GpuScheduler.Extender;

/// <summary>Puts the service together: the program, the tests and the benchmarks all start it here.</summary>
internal static class ExtenderHost
{
    /// <summary>Marks the connections of <see cref="ExtenderOptions.HealthUrls"/>.</summary>
    internal static readonly object HealthOnly = new();

    /// <summary>Reads the settings, starts and serves until it is told to stop. Returns the exit code.</summary>
    public static async Task<int> RunAsync(string? configFile, IReadOnlyDictionary<string, string?> settings, CancellationToken cancellation)
    {
        WebApplication app;
        try
        {
            app = Build(configFile, settings);
            await app.StartAsync(cancellation);
        }
        catch (SocketException e)
        {
            return await FailAsync([$"an address of Urls or HealthUrls cannot be listened on: {e.Message}"]);
        }
        catch (Exception e) when (SettingsReader.Problems(e) is { } problems)
        {
            return await FailAsync(problems);
        }

        await using (app)
        {
            await app.WaitForShutdownAsync(cancellation);
        }

        return 0;
    }

    /// <summary>Builds the service. Throws <see cref="OptionsValidationException"/> when a setting is wrong.</summary>
    public static WebApplication Build(string? configFile, IReadOnlyDictionary<string, string?> settings)
    {
        var stamp = SettingsWatcher.Look(configFile);
        var own = SettingsReader.Read(configFile, settings);
        var options = SettingsReader.Check(own);
        var logging = new LoggingSettings(own);
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });

        // Of our settings the framework sees those of logging alone: it would take Urls for its own.
        builder.Configuration.Sources.Clear();
        builder.Configuration.Sources.Add(logging);
        builder.Logging.ClearProviders().AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        });

        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(DialectSettingsReader.Read(options.Dialects));
        services.AddSingleton(s => new ClusterState(s.GetService<Recorder>()?.Clock ?? s.GetRequiredService<TimeProvider>(), options.Holds) { ClosesChangingNodes = options.Mig.Enabled, Observer = ClusterObservers.Of(s.GetServices<IClusterObserver>()) });
        services.AddDecisions(options);
        services.AddSettings(options, new SettingsSource(configFile, settings, own, stamp), logging);
        services.AddShadow(options);
        services.AddSingleton<GangJournal>();
        services.AddSingleton<GangSolver>();
        services.AddSingleton(s => new SchedulingEngine(s.GetRequiredService<ClusterState>(), EngineOptionsOf(options, s)));
        services.AddSingleton<Readiness>();
        services.AddSingleton<RecentPods>();
        services.AddSingleton<SimulatedPods>();
        services.AddSingleton(s => new ExtenderMetrics(s.GetRequiredService<ClusterState>()));
        services.AddSingleton<VerbProcessor>();
        services.AddSingleton<BindHandler>();
        services.AddSingleton<VerbEndpoints>();
        services.AddSingleton<InspectionEndpoints>();
        services.AddSingleton<GangEndpoints>();
        services.AddSingleton<MigEndpoints>();
        services.AddSingleton<PlanningEndpoints>();
        services.AddSingleton<CertificateStore>();
        services.AddObservability(options);
        services.AddExternalMetrics(options);
        services.AddForecast(options);
        services.AddHostedService<Sweeper>();
        services.AddHostedService<WarmUp>();
        if (options.Gangs.Enabled)
        {
            services.AddHostedService<GangService>();
        }

        if (options.Cluster is { Length: > 0 } file)
        {
            services.AddSingleton(_ => SnapshotFile.Load(file, DialectSettingsReader.Read(options.Dialects), options.Shadow.IsOn));
            services.AddSingleton<IPodBinder, SnapshotBinder>();
            services.AddHostedService<SnapshotService>();
        }
        else
        {
            services.AddApiServer(options);
            services.AddSingleton<IPodBinder, PodBinder>();
            services.AddSingleton<INodeLock, HamiNodeLock>();
            if (options.Gangs.Preempt)
            {
                services.AddSingleton<IPodEvictor, PodEvictor>();
            }

            if (options.Gangs.Wake || options.Mig.Enabled)
            {
                services.AddSingleton<IPodWaker, PodWaker>();
            }

            if (options.Gangs.RemoveGates)
            {
                services.AddSingleton<IPodReleaser, PodReleaser>();
            }

            if (options.Gangs.Enabled && (options.Gangs.Events || options.Gangs.Status))
            {
                services.AddSingleton<IGangAnnouncer, GangAnnouncer>();
                services.AddHostedService<GangReporter>();
            }

            if (options.Mig.Enabled)
            {
                AddMig(services, options);
            }

            services.AddSingleton(s => new ClusterWatcher(
                s.GetRequiredService<KubernetesConnection>(), s.GetRequiredService<ClusterState>(), s.GetRequiredService<ILogger<ClusterWatcher>>(),
                s.GetRequiredService<TimeProvider>(), s.GetRequiredService<DialectSet>(), options.Shadow.IsOn));
            services.AddHostedService<ClusterWatcherService>();
        }

        services.AddGrpc();
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks(o => o.Services.Map("gpuscheduler.v1.SchedulerExtender", _ => true)).AddCheck<Readiness>("ready");
        services.Configure<HealthCheckPublisherOptions>(o =>
        {
            // What the gRPC health service says is published at intervals.
            o.Delay = TimeSpan.FromMilliseconds(500);
            o.Period = TimeSpan.FromSeconds(1);
        });
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(ExtenderMetrics.MeterName, "GpuScheduler.Kubernetes", "System.Runtime", "Microsoft.AspNetCore.Server.Kestrel")
            .AddPrometheusExporter());

        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, options));
        builder.WebHost.UseKestrelHttpsConfiguration();

        // After the server's own registration, in whose place it comes.
        services.AddSingleton<IMemoryPoolFactory<byte>, LargeBlockMemoryPool.Factory>();

        var app = builder.Build();
        Map(app, options);
        return app;
    }

    private static void AddMig(IServiceCollection services, ExtenderOptions options)
    {
        var mig = options.Mig;
        var migOptions = new MigOptions
        {
            Configs = MigConfigFile.Load(mig.ConfigFile!, ListenAddress.Split(mig.Configs)),
            MinWait = mig.MinWait,
            Cooldown = mig.Cooldown,
            Timeout = mig.Timeout,
            Backoff = mig.Backoff,
            MostAtOnce = mig.MostAtOnce,
            SolveLimit = mig.SolveLimit,
        };
        var schedulers = ListenAddress.Split(mig.Schedulers).ToHashSet(StringComparer.Ordinal);
        services.AddSingleton<MigSolver>();
        services.AddSingleton(s => new MigController(s.GetRequiredService<ClusterState>(), migOptions, s.GetRequiredService<MigSolver>(), pod => schedulers.Contains(pod.SchedulerName)));
        services.AddSingleton<INodeMigWriter, NodeMigWriter>();
        if (mig.Events)
        {
            services.AddSingleton<INodeAnnouncer, NodeAnnouncer>();
        }

        services.AddHostedService<MigService>();
    }

    private static void Map(WebApplication app, ExtenderOptions options)
    {
        app.UseExternalMetrics(options);
        if (options.HealthUrls.Length > 0)
        {
            app.Use((context, next) =>
            {
                if (context.Features.Get<IConnectionItemsFeature>()?.Items.ContainsKey(HealthOnly) == true && context.Request.Path.Value is not ("/healthz" or "/readyz" or "/syncz" or "/metrics"))
                {
                    context.Response.StatusCode = StatusCodes.Status404NotFound;
                    return Task.CompletedTask;
                }

                return next(context);
            });
        }

        if (options.Access.Tokens)
        {
            var access = app.Services.GetRequiredService<AccessControl>();
            app.Use(access.InvokeAsync);
        }

        app.MapHealthChecks("/healthz", new HealthCheckOptions { Predicate = _ => false, ResponseWriter = (context, _) => context.Response.WriteAsync("ok\n") });
        app.MapHealthChecks("/readyz", new HealthCheckOptions
        {
            ResponseWriter = (context, report) => context.Response.WriteAsync(report.Entries.Values.First().Description + "\n"),
        });
        app.MapGet("/syncz", (Readiness readiness, HttpContext context) =>
        {
            context.Response.StatusCode = readiness.IsWarmedUp ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            return context.Response.WriteAsync(readiness.Describe() + "\n");
        });
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.Services.GetRequiredService<VerbEndpoints>().Map(app);
        app.Services.GetRequiredService<InspectionEndpoints>().Map(app);
        app.Services.GetRequiredService<GangEndpoints>().Map(app);
        app.Services.GetRequiredService<MigEndpoints>().Map(app);
        app.MapDecisions();
        app.MapSettings();
        app.MapForecast();
        app.Services.GetRequiredService<PlanningEndpoints>().Map(app);
        app.Services.GetRequiredService<ShadowEndpoints>().Map(app);
        app.MapGrpcService<SchedulerExtenderService>();
        app.MapGrpcService<GangsService>();
        app.MapGrpcReflectionService();
        app.MapGrpcHealthChecksService();
        app.MapFallback("{**path}", context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return context.Response.WriteAsync("gpu-scheduler extender: POST /filter /prioritize /preempt /bind, GET /healthz /readyz /syncz /metrics /v1/nodes /v1/nodes/{name} /v1/gangs /v1/gangs/{namespace}/{name} /v1/pods /v1/pods/{namespace}/{name} /v1/decisions /v1/events /v1/map /v1/mig /v1/shadow /v1/drain-plan/{node} /v1/capacity-shortfall /v1/forecast /v1/config /v1/canary, POST /v1/what-if /v1/expected-start, and pages at / and /shadow\n");
        });
    }

    private static void Listen(KestrelServerOptions kestrel, ExtenderOptions options)
    {
        kestrel.AddServerHeader = false;

        // A client of ours may say http where PlaintextHttp2 has the server expect https.
        kestrel.AllowAlternateSchemes = true;
        options.Limits.Apply(kestrel.Limits);

        // An answer about thousands of nodes is handed over without waiting for the caller to read the first part of it.
        kestrel.Limits.MaxResponseBufferSize = 2 * VerbEndpoints.ResponseChunk;

        // kube-scheduler keeps idle connections for 90 s: whoever closes first must not be the server.
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);
        foreach (var address in ListenAddress.ParseAll(options.Urls))
        {
            if (address.IsHttps)
            {
                address.Listen(kestrel, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1AndHttp2;
                    var store = listen.ApplicationServices.GetRequiredService<CertificateStore>();
                    _ = store.Current;
                    listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(store.Current) });
                });
            }
            else
            {
                // The protocols stay at their default: naming HTTP/2 here would have the server warn that it needs TLS.
                address.Listen(kestrel, listen => listen.UsePlaintextHttp2());
            }
        }

        kestrel.ListenForExternalMetrics(options);
        foreach (var address in ListenAddress.ParseAll(options.HealthUrls))
        {
            address.Listen(kestrel, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => connection =>
                {
                    connection.Items[HealthOnly] = true;
                    return next(connection);
                });
            });
        }
    }

    private static EngineOptions EngineOptionsOf(ExtenderOptions options, IServiceProvider services) => new()
    {
        Profile = Profile.Create(options.Engine.Weights),
        AnswerOneNode = options.Engine.AnswerOneNode,
        Gangs = !options.Gangs.Enabled ? null : options.Gangs.Over(new GangOptions
        {
            Preempts = services.GetService<IPodEvictor>() is not null,
            Placer = services.GetService<Recorder>() is { } recorder ? new RecordingSolver(services.GetRequiredService<GangSolver>(), recorder) : services.GetRequiredService<GangSolver>(),
            Observer = services.GetRequiredService<GangJournal>(),
        }),
    };

    private static async Task<int> FailAsync(IEnumerable<string> errors)
    {
        foreach (var error in errors)
        {
            await Console.Error.WriteLineAsync($"gpu-scheduler-extender: {error}");
        }

        await Console.Error.WriteLineAsync("gpu-scheduler-extender: not started; --help lists the options");
        return 2;
    }
}
