using System.Globalization;
using GpuScheduler.Extender.Security;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Leases;

namespace GpuScheduler.Extender.Hosting;

/// <summary>Registers the way to the API server, and the election of a leader where it is wanted.</summary>
internal static class LeaderElectionSetup
{
    public static void AddApiServer(this IServiceCollection services, ExtenderOptions options)
    {
        var connect = new KubernetesConnectionOptions { Kubeconfig = options.Kubeconfig };
        if (options.Access.Tokens)
        {
            // Not fenced: a follower may be looked at, too.
            services.AddSingleton(s => new AccessReviewer(KubernetesConnection.Create(connect), options.Access.KeepAnswers, s.GetRequiredService<TimeProvider>()));
            services.AddSingleton<AccessControl>();
        }

        var election = options.LeaderElection;
        if (!election.Enabled)
        {
            services.AddSingleton(_ => KubernetesConnection.Create(connect));
            return;
        }

        var lease = new LeaseOptions
        {
            Namespace = election.ResolveNamespace(),
            Name = election.LeaseName,
            Identity = string.Create(CultureInfo.InvariantCulture, $"{(election.Pod is { Length: > 0 } pod ? pod : Environment.MachineName)}_{Guid.NewGuid():N}"),
            Duration = election.LeaseDuration,
            RenewDeadline = election.RenewDeadline,
            RetryPeriod = election.RetryPeriod,
        };
        services.AddSingleton(s => new LeaseElector(
            s.GetRequiredService<LeaseConnection>().Connection, lease, s.GetRequiredService<ILogger<LeaseElector>>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IWriteFence>(s => s.GetRequiredService<LeaseElector>());

        // Of its own: a renewal does not wait behind lists, and is not fenced by what it decides.
        services.AddSingleton(_ => new LeaseConnection(KubernetesConnection.Create(connect with { CallTimeout = election.RenewDeadline })));
        services.AddSingleton(s => KubernetesConnection.Create(connect, fence: s.GetRequiredService<LeaseElector>()));
        if (election.Pod is { Length: > 0 } own)
        {
            services.AddSingleton(s => new LeaderLabel(s.GetRequiredService<KubernetesConnection>(), lease.Namespace, own, s.GetRequiredService<ILogger<LeaderLabel>>()));
        }

        services.AddHostedService<LeaderService>();
    }

    private sealed class LeaseConnection(KubernetesConnection connection) : IDisposable
    {
        public KubernetesConnection Connection => connection;

        public void Dispose() => connection.Dispose();
    }
}
