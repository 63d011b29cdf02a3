using System.Globalization;
using System.Threading.Channels;
using GpuScheduler.Core.Cluster;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>Writes down what a reflector says, a line a call.</summary>
internal sealed class RecordingSink : IReflectorSink<NodeObject>
{
    private readonly Channel<string> _calls = Channel.CreateUnbounded<string>();

    public int Pending => _calls.Reader.Count;

    public async Task<string> NextAsync() =>
        await _calls.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    public void Replace(IReadOnlyList<NodeObject> items, bool consistent, DateTimeOffset asked) =>
        Write($"replace {string.Join(',', items.Select(i => i.Name))} {(consistent ? "consistent" : "cached")}");

    public void Upsert(NodeObject item) => Write("upsert " + item.Name);

    public void Delete(NodeObject item) => Write("delete " + item.Name);

    private void Write(string call) => Assert.True(_calls.Writer.TryWrite(call), call.ToString(CultureInfo.InvariantCulture));
}
