using System.Runtime.InteropServices;

namespace GpuScheduler.Extender.Settings;

/// <summary>Has the settings read again when their file changes, and at once on SIGHUP.</summary>
internal sealed class SettingsWatcher(SettingsReloader reloader, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private string _taken = reloader.StampAtStart;
    private string? _seen;

    /// <summary>
    /// Looks at the file once. A change is taken when it has been seen twice: one that is still being written is not read half.
    /// </summary>
    internal void Look()
    {
        lock (_gate)
        {
            var stamp = Look(reloader.File);
            if (stamp == _taken)
            {
                _seen = null;
            }
            else if (stamp == _seen)
            {
                (_taken, _seen) = (stamp, null);
                reloader.Reload();
            }
            else
            {
                _seen = stamp;
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var signal = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            ReadNow();
        });
        using var timer = new PeriodicTimer(s_interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Look();
        }
    }

    /// <summary>Takes the file as it is, changed or not.</summary>
    internal void ReadNow()
    {
        lock (_gate)
        {
            (_taken, _seen) = (Look(reloader.File), null);
            reloader.Reload();
        }
    }

    /// <summary>What the file has in it.</summary>
    internal static string Look(string? file)
    {
        try
        {
            return FileStamp.Of(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message; // what is wrong with it is said by who reads it
        }
    }
}
