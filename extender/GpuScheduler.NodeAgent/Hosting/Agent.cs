using GpuScheduler.Kubernetes;
using GpuScheduler.NodeAgent.Facts;
using GpuScheduler.NodeAgent.Kubelet;
using GpuScheduler.NodeAgent.Nvml;
using Microsoft.Extensions.Logging;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent.Hosting;

/// <summary>Looks at the driver and the kubelet, at intervals and on every XID, and writes what is worth it.</summary>
internal sealed class Agent : IDisposable
{
    private static readonly TimeSpan s_leastPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_mostPause = TimeSpan.FromMinutes(2);

    private readonly NodeAgentOptions _options;
    private readonly DriverSession _driver;
    private readonly PodResourcesClient _kubelet;
    private readonly Func<Wire.NodeReport, CancellationToken, Task> _write;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ReportKeeper _keeper;
    private readonly Backoff _backoff = new(s_leastPause, s_mostPause, Random.Shared);
    private readonly SemaphoreSlim _alarm = new(0, 1);
    private Dictionary<uint, bool> _unhealthy = [];
    private HashSet<string> _unknown = new(StringComparer.Ordinal);
    private bool _driverGone;
    private bool? _assignmentsKnown;
    private DateTimeOffset _notBefore;

    public Agent(NodeAgentOptions options, Func<INvml> open, Func<Wire.NodeReport, CancellationToken, Task> write, ILogger logger, TimeProvider? time = null)
    {
        _options = options;
        _write = write;
        _logger = logger;
        _time = time ?? TimeProvider.System;
        _keeper = new ReportKeeper(options.Writes, _time);
        _kubelet = new PodResourcesClient(options.PodResourcesSocket);
        _driver = new DriverSession(open, new PciTree(options.Sysfs), logger) { Alarm = Ring };
    }

    /// <summary>Reports written since the start.</summary>
    public long Writes { get; private set; }

    public void Dispose()
    {
        _driver.Dispose();
        _kubelet.Dispose();
        _alarm.Dispose();
    }

    /// <summary>One look, with the XIDs that are waiting. For --once.</summary>
    /// <exception cref="NvmlException">There is no driver.</exception>
    public async Task<Wire.NodeReport> LookOnceAsync(CancellationToken cancellationToken)
    {
        _driver.Collect();
        _driver.Drain();
        var report = _driver.Collect();
        CachedData.Add(report, _options.DataFolders);
        await AddAssignmentsAsync(report, cancellationToken);
        report.ObservedAt = _time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
        return report;
    }

    /// <summary>Looks and writes until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var pause = _options.Interval;
            try
            {
                pause = await TurnAsync(cancellationToken);
                _driver.StartListening();
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Log.LookFailed(_logger, pause, e);
            }

            await WaitAsync(pause, cancellationToken);
        }
    }

    /// <summary>One look, and a write when it is worth it. Returns how long nothing need be done.</summary>
    internal async Task<TimeSpan> TurnAsync(CancellationToken cancellationToken)
    {
        var report = Look();
        CachedData.Add(report, _options.DataFolders);
        await AddAssignmentsAsync(report, cancellationToken);
        Tell(report);
        var now = _time.GetUtcNow();
        if (now < _notBefore)
        {
            return Least(_notBefore - now);
        }

        if (_keeper.Decide(report, out var wait) is not { } due)
        {
            return Least(wait);
        }

        try
        {
            await _write(due, cancellationToken);
            _keeper.Written(due);
            _backoff.Reset();
            Writes++;
            Log.Wrote(_logger, _options.NodeName, due.Gpus.Count, due.Gpus.Count(g => g.Health is { Unhealthy: true }), Writes);
            return _options.Interval;
        }
        catch (KubernetesApiException e)
        {
            var pause = _backoff.Next();
            _notBefore = now + pause;
            Log.NotWritten(_logger, _options.NodeName, e.Message, pause);
            return Least(pause);
        }
    }

    private TimeSpan Least(TimeSpan wait) => wait < _options.Interval ? wait : _options.Interval;

    private Wire.NodeReport Look()
    {
        try
        {
            var report = _driver.Collect();
            if (_driverGone)
            {
                _driverGone = false;
                Log.DriverBack(_logger);
            }

            return report;
        }
        catch (NvmlException e)
        {
            if (!_driverGone)
            {
                _driverGone = true;
                Log.DriverGone(_logger, e.Message);
            }

            return _driver.WithoutDriver(e.Message);
        }
    }

    private async Task AddAssignmentsAsync(Wire.NodeReport report, CancellationToken cancellationToken)
    {
        var (answer, why) = await _kubelet.ListAsync(cancellationToken);
        report.AssignmentsKnown = answer is not null;
        if (answer is not null)
        {
            report.Assignments.Add(AssignmentReader.Read(answer, report));
        }
        else
        {
            report.Unknown.Add($"assignments: {why}"[..Math.Min(why.Length + 13, 512)]);
        }

        if (_assignmentsKnown != report.AssignmentsKnown)
        {
            if (answer is null)
            {
                Log.AssignmentsUnknown(_logger, why);
            }
            else if (_assignmentsKnown is not null)
            {
                Log.AssignmentsKnown(_logger);
            }

            _assignmentsKnown = report.AssignmentsKnown;
        }
    }

    /// <summary>Says what has changed since the last look: once each.</summary>
    private void Tell(Wire.NodeReport report)
    {
        foreach (var gpu in report.Gpus)
        {
            var unhealthy = gpu.Health is { Unhealthy: true };
            var before = _unhealthy.GetValueOrDefault(gpu.Index);
            if (unhealthy && !before)
            {
                var pods = report.Assignments.Where(a => a.Gpus.Contains(gpu.Index)).Select(a => $"{a.Namespace}/{a.Pod}").Distinct(StringComparer.Ordinal).ToList();
                Log.Unhealthy(_logger, gpu.Index, gpu.Uuid, gpu.Health.Reason, pods.Count > 0 ? string.Join(", ", pods) : report.AssignmentsKnown ? "none" : "not known");
            }
            else if (before && !unhealthy)
            {
                Log.Healthy(_logger, gpu.Index, gpu.Uuid);
            }
        }

        _unhealthy = report.Gpus.ToDictionary(g => g.Index, g => g.Health is { Unhealthy: true });
        var unknown = report.Unknown.Where(u => !u.StartsWith("assignments:", StringComparison.Ordinal) && !u.StartsWith("driver:", StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
        foreach (var fact in unknown.Except(_unknown))
        {
            Log.FactUnknown(_logger, fact);
        }

        _unknown = unknown;
    }

    private void Ring()
    {
        try
        {
            _alarm.Release();
        }
        catch (SemaphoreFullException)
        {
            // It rings already.
        }
    }

    private async Task WaitAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(pause > TimeSpan.Zero ? pause : TimeSpan.FromMilliseconds(1), _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _alarm.WaitAsync(both.Token);
        }
        catch (OperationCanceledException)
        {
            // The pause is over, or all is.
        }
    }
}
