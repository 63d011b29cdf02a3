using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace GpuScheduler.Testing.ControlPlane;

/// <summary>A service of ours, such as the extender, in a process of its own.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    private const int SignalTerminate = 15;
    private const int SignalContinue = 18;
    private const int SignalStop = 19;

    private readonly Process _process;
    private readonly HttpClient _http = new();

    private ServiceProcess(Process process, Uri url)
    {
        _process = process;
        Url = url;
    }

    /// <summary>Where it is served.</summary>
    public Uri Url { get; }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>CPU time that it used up to now.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts it, and returns when /readyz answers.</summary>
    /// <param name="assembly">Path of the program.</param>
    /// <param name="arguments">Its arguments, beside --urls.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <param name="port">Its port on the loopback; 0 for a free one.</param>
    /// <param name="ready">Path that answers with success when it is up.</param>
    /// <param name="output">Is told every line of its output; null to drop them.</param>
    /// <param name="environment">Variables beside those of this process.</param>
    /// <exception cref="InvalidOperationException">It ended, or was not ready within a minute.</exception>
    public static async Task<ServiceProcess> StartAsync(string assembly, string[] arguments, CancellationToken cancellation, int port = 0, string ready = "/readyz", Action<string>? output = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var url = new Uri($"http://127.0.0.1:{(port == 0 ? LoopbackPorts.Pick(1)[0] : port)}");
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet") { RedirectStandardOutput = true };
        foreach (var argument in (string[])["exec", assembly, .. arguments, "--urls", url.ToString().TrimEnd('/')])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException("the service did not start");
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } text)
            {
                output?.Invoke(text);
            }
        };
        process.BeginOutputReadLine();
        var service = new ServiceProcess(process, url);
        for (var clock = Stopwatch.StartNew(); ;)
        {
            if (process.HasExited || clock.Elapsed > TimeSpan.FromMinutes(1))
            {
                await service.DisposeAsync();
                throw new InvalidOperationException("the service did not become ready");
            }

            try
            {
                using var response = await service._http.GetAsync(new Uri(url, ready), cancellation);
                if (response.IsSuccessStatusCode)
                {
                    return service;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(100, cancellation);
        }
    }

    /// <summary>Managed bytes allocated since its start, by the runtime's own metric.</summary>
    public async Task<double> AllocatedBytesAsync(CancellationToken cancellation)
    {
        // The exporter caches an answer for 300 ms.
        await Task.Delay(400, cancellation);
        var text = await _http.GetStringAsync(new Uri(Url, "/metrics"), cancellation);
        var line = text.Split('\n').FirstOrDefault(l => l.StartsWith("dotnet_gc_heap_allocated_bytes_total", StringComparison.Ordinal) || l.StartsWith("dotnet_gc_heap_total_allocated_bytes_total", StringComparison.Ordinal));
        var words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is null ? double.NaN : double.Parse(words[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Stops it as it stands (SIGSTOP), like a machine that is suspended.</summary>
    public void Pause() => Signal(SignalStop);

    /// <summary>Lets it go on after <see cref="Pause"/>.</summary>
    public void Resume() => Signal(SignalContinue);

    /// <summary>Tells it to end (SIGTERM), and returns when it has.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        Signal(SignalTerminate);
        await _process.WaitForExitAsync(cancellation);
    }

    private void Signal(int signal)
    {
        if (!_process.HasExited && kill(_process.Id, signal) != 0)
        {
            throw new InvalidOperationException($"signal {signal} could not be sent to the service");
        }
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int process, int signal);

    /// <summary>Kills it, without a chance to clean up.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        _http.Dispose();
    }
}
