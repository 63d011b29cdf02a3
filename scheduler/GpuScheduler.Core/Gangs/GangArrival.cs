using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Gangs;

/// <summary>A member that waits at bind.</summary>
internal sealed class GangArrival(PodInfo pod, string node)
{
    // Those who wait go on outside the lock under which they are told.
    private readonly TaskCompletionSource<PromiseResult> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PodInfo Pod => pod;

    public string Node => node;

    public Task<PromiseResult> Answer => _answer.Task;

    public void Tell(PromiseResult result) => _answer.SetResult(result);
}
