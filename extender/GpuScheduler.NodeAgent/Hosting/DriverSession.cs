using GpuScheduler.NodeAgent.Facts;
using GpuScheduler.NodeAgent.Nvml;
using Microsoft.Extensions.Logging;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent.Hosting;

/// <summary>
/// The driver over its comings and goings: loads the library, listens for XIDs, and begins anew after the driver was restarted or
/// upgraded. While there is no driver no GPU is fit.
/// </summary>
internal sealed class DriverSession(Func<INvml> open, PciTree pci, ILogger logger) : IDisposable
{
    /// <summary>How long one wait for XIDs takes; a session ends no sooner than the wait it is in.</summary>
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_drain = TimeSpan.FromMilliseconds(20);

    private readonly Roster _roster = new();
    private readonly XidRecord _xids = new();
    private INvml? _nvml;
    private NodeCollector? _collector;
    private HashSet<nint> _listened = [];
    private NvmlReturn _listening;
    private Thread? _listener;
    private volatile bool _ends;
    private Wire.NodeReport? _last;

    /// <summary>Called on another thread when an XID has arrived.</summary>
    public Action? Alarm { get; init; }

    /// <summary>Gathers the report.</summary>
    /// <exception cref="NvmlException">There is no driver.</exception>
    public Wire.NodeReport Collect()
    {
        try
        {
            if (_nvml is null)
            {
                _nvml = open();
                _collector = new NodeCollector(_nvml, pci, _roster, _xids);
            }

            var report = _collector!.Collect();
            Listen();
            if (_listening is not (NvmlReturn.Success or NvmlReturn.NotSupported))
            {
                report.Unknown.Add($"XIDs: the driver does not report them ({_listening})");
            }

            _last = report;
            return report;
        }
        catch (NvmlException)
        {
            Close();
            _xids.Clear();
            throw;
        }
    }

    /// <summary>What is to be said while there is no driver: the GPUs that were there, none of them fit.</summary>
    public Wire.NodeReport WithoutDriver(string why)
    {
        var report = _last?.Clone() ?? new Wire.NodeReport();
        report.Unknown.Clear();
        report.Unknown.Add($"driver: {why}"[..Math.Min(why.Length + 8, 512)]);
        foreach (var gpu in report.Gpus)
        {
            gpu.Health = new Wire.Health { Unhealthy = true, Reason = "the driver is not loaded" };
            gpu.ClearMemoryUsedMib();
            gpu.ClearMemoryFreeMib();
        }

        return report;
    }

    /// <summary>Takes the XIDs that are waiting already, for a single look.</summary>
    public void Drain()
    {
        Listen();
        while (_nvml!.WaitForXid(s_drain, out var xid) is NvmlReturn.Success)
        {
            Record(xid);
        }
    }

    /// <summary>Begins to take XIDs as they come.</summary>
    public void StartListening()
    {
        if (_listener is null && _nvml is { } nvml && _listening == NvmlReturn.Success)
        {
            _ends = false;
            _listener = new Thread(() => Run(nvml)) { IsBackground = true, Name = "XIDs" };
            _listener.Start();
        }
    }

    public void Dispose() => Close();

    private void Listen()
    {
        foreach (var handle in _collector!.Handles.Keys.Where(_listened.Add))
        {
            var code = _nvml!.Listen(handle);
            _listening = code == NvmlReturn.Success || _listened.Count == 1 ? code : _listening;
        }
    }

    private void Run(INvml nvml)
    {
        while (!_ends)
        {
            switch (nvml.WaitForXid(s_wait, out var xid))
            {
                case NvmlReturn.Success:
                    Record(xid);
                    Alarm?.Invoke();
                    break;
                case NvmlReturn.Timeout or NvmlReturn.NotFound:
                    break;
                default:
                    // A lost GPU ends waits at once, for as long as it is lost: the next look finds it.
                    Alarm?.Invoke();
                    for (var slept = TimeSpan.Zero; slept < s_wait && !_ends; slept += s_drain)
                    {
                        Thread.Sleep(s_drain);
                    }

                    break;
            }
        }
    }

    private void Record(XidEvent xid)
    {
        var uuid = _collector?.Handles.GetValueOrDefault(xid.Device) ?? "";
        if (uuid.Length > 0 && _xids.Add(uuid, xid.Xid))
        {
            Log.Xid(logger, xid.Xid, uuid);
        }
    }

    private void Close()
    {
        _ends = true;
        _listener?.Join();
        _listener = null;
        _listened = [];
        _nvml?.Dispose();
        _nvml = null;
        _collector = null;
    }
}
