using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>Tests of what calls the API server, against a stand-in.</summary>
public abstract class ApiServerTests : IAsyncLifetime
{
    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected FakeApiServer Server { get; private set; } = null!;

    private protected KubernetesConnection Connection { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await FakeApiServer.StartAsync();
        Connection = Server.Connect();
        Begin();
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        End();
        Connection.Dispose();
        await Server.DisposeAsync();
    }

    /// <summary>What a test needs beside, made with the connection.</summary>
    private protected virtual void Begin()
    {
    }

    /// <summary>Ends that.</summary>
    private protected virtual void End()
    {
    }
}
