using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Reservations;

public class LedgerTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly Ledger _ledger;

    public LedgerTests() => _ledger = new Ledger(_clock, new LedgerOptions());

    [Fact]
    public void A_pod_holds_one_allocation_and_says_where_it_left()
    {
        Assert.Null(_ledger.Put(Of("a", "n1", AllocationState.Tentative)));
        Assert.Null(_ledger.Put(Of("a", "n1", AllocationState.Promised)));
        Assert.Equal("n1", _ledger.Put(Of("a", "n2", AllocationState.Bound)));
        Assert.Equal(1, _ledger.Count);
        Assert.Empty(_ledger.On("n1"));
        Assert.Equal("n2", _ledger.Remove("a"));
        Assert.Null(_ledger.Remove("a"));
        Assert.Empty(_ledger.All);
    }

    [Theory]
    [InlineData(AllocationState.Tentative, 30)]
    [InlineData(AllocationState.Promised, 60)]
    [InlineData(AllocationState.Committed, 300)]
    public void A_hold_expires_when_its_time_is_over_and_not_before(AllocationState state, int seconds)
    {
        _ledger.Put(Of("a", "n", state));
        _clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
        Assert.Empty(_ledger.Expired());
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal("a", Assert.Single(_ledger.Expired()).Pod.Uid);
    }

    [Theory]
    [InlineData(AllocationState.Bound)]
    [InlineData(AllocationState.Presumed)]
    public void What_is_bound_does_not_expire(AllocationState state)
    {
        _ledger.Put(Of("a", "n", AllocationState.Tentative));
        _ledger.Put(Of("a", "n", state));
        _clock.Advance(TimeSpan.FromDays(1000));
        Assert.Empty(_ledger.Expired());
    }

    [Fact]
    public void A_renewed_hold_lasts_from_its_renewal()
    {
        _ledger.Put(Of("a", "n", AllocationState.Tentative));
        _clock.Advance(TimeSpan.FromSeconds(20));
        _ledger.Put(Of("a", "n", AllocationState.Tentative));
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Empty(_ledger.Expired());
    }

    [Fact]
    public void The_allocations_of_a_node_are_in_the_order_of_their_pods_whenever_they_came()
    {
        foreach (var uid in new[] { "c", "a", "b" })
        {
            _ledger.Put(Of(uid, "n", AllocationState.Bound));
        }

        Assert.Equal(["a", "b", "c"], _ledger.On("n").Select(a => a.Pod.Uid));
    }

    private static Allocation Of(string uid, string node, AllocationState state) => new(new PodBuilder(uid).Build(), node, DeviceAssignment.Empty, state);
}
