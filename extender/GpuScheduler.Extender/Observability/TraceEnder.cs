namespace GpuScheduler.Extender.Observability;

/// <summary>Ends what is open when the service stops, while traces can still be sent.</summary>
internal sealed class TraceEnder(PodTraces traces) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken)
    {
        traces.EndAll();
        return Task.CompletedTask;
    }
}
