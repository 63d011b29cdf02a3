using Grpc.Core;
using GpuScheduler.NodeAgent.Kubelet;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace GpuScheduler.NodeAgent.Tests;

/// <summary>A kubelet that answers pod-resources calls on a unix socket.</summary>
internal sealed class FakeKubelet : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Answers _answers;

    private FakeKubelet(WebApplication app, Answers answers) => (_app, _answers) = (app, answers);

    public static async Task<FakeKubelet> StartAsync(string socket)
    {
        var answers = new Answers();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(answers);
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(socket, l => l.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new FakeKubelet(app, answers);
    }

    public void Hand(string pod, string resource, params string[] devices)
    {
        var container = new ContainerResources { Name = "main" };
        container.Devices.Add(new ContainerDevices { ResourceName = resource });
        container.Devices[0].DeviceIds.Add(devices);
        var resources = new PodResources { Name = pod, Namespace = "default" };
        resources.Containers.Add(container);
        lock (_answers)
        {
            _answers.List.PodResources.Add(resources);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    internal sealed class Answers
    {
        public ListPodResourcesResponse List { get; } = new();
    }

    internal sealed class Service(Answers answers) : PodResourcesLister.PodResourcesListerBase
    {
        public override Task<ListPodResourcesResponse> List(ListPodResourcesRequest request, ServerCallContext context)
        {
            lock (answers)
            {
                return Task.FromResult(answers.List.Clone());
            }
        }
    }
}
