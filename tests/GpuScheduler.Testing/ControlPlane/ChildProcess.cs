using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace GpuScheduler.Testing.ControlPlane;

/// <summary>
/// A server process that writes its output to a file and does not outlive the test process, whichever way that
/// one ends.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int SignalContinue = 18;
    private const int SignalStop = 19;

    private static readonly BlockingCollection<Action> Launches = [];
    private static readonly ConcurrentDictionary<ChildProcess, bool> Running = new();
    private static readonly Lazy<bool> CanFollowParent = new(ProbeParentDeathSignal);

    private readonly Process _process;
    private bool _paused;

    static ChildProcess()
    {
        // The kernel sends the parent-death signal when the *thread* dies that started the child, and threads of
        // the pool come and go. So one thread starts all of them, and lives as long as the process.
        new Thread(() =>
        {
            foreach (var launch in Launches.GetConsumingEnumerable())
            {
                launch();
            }
        })
        {
            IsBackground = true,
            Name = "child process launcher",
        }.Start();
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            foreach (var child in Running.Keys)
            {
                child.Kill();
            }
        };
    }

    private ChildProcess(string name, Process process, string logPath)
    {
        Name = name;
        LogPath = logPath;
        _process = process;
    }

    /// <summary>For messages.</summary>
    public string Name { get; }

    /// <summary>Standard output and error together.</summary>
    public string LogPath { get; }

    /// <summary>Whether the process has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts a program; its output is appended to the log.</summary>
    public static async Task<ChildProcess> StartAsync(
        string name, string executable, IEnumerable<string> arguments, string logPath)
    {
        // The shell opens the log and then becomes the program: no pipe to drain through this process, and the
        // process id is the program's own.
        var follow = CanFollowParent.Value ? "setpriv --pdeathsig KILL -- " : "";
        var start = new ProcessStartInfo("/bin/sh")
        {
            RedirectStandardInput = true,
            ArgumentList = { "-c", $"exec {follow}\"$@\" >>\"$0\" 2>&1", logPath, executable },
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Launches.Add(() =>
        {
            try
            {
                started.SetResult(
                    Process.Start(start) ?? throw new InvalidOperationException($"{executable} did not start."));
            }
#pragma warning disable CA1031 // Handed on to the caller; the thread must go on for the others.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                started.SetException(fault);
            }
        });
        var process = await started.Task;
        process.StandardInput.Close();
        var child = new ChildProcess(name, process, logPath);
        Running[child] = true;
        return child;
    }

    /// <summary>
    /// Asks until the answer is yes. Exceptions of the network count as no; the process's end or the timeout
    /// ends the wait with an exception that shows the last lines of the log.
    /// </summary>
    public async Task WaitUntilReadyAsync(
        Func<CancellationToken, Task<bool>> isReady, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        var lastProblem = "it answered that it is not ready";
        while (true)
        {
            using (var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
            {
                attempt.CancelAfter(TimeSpan.FromSeconds(5));
                try
                {
                    if (await isReady(attempt.Token))
                    {
                        return;
                    }
                }
                catch (Exception problem) when (problem is HttpRequestException or IOException
                    || (problem is OperationCanceledException && !cancellationToken.IsCancellationRequested))
                {
                    lastProblem = problem.Message;
                }
            }

            if (HasExited)
            {
                throw new ControlPlaneException(
                    $"{Name} ended with exit code {_process.ExitCode} before it was ready.{Environment.NewLine}{LogTail(40)}");
            }

            if (TimeProvider.System.GetElapsedTime(begin) > timeout)
            {
                throw new ControlPlaneException(
                    $"{Name} was not ready after {timeout.TotalSeconds:F0} s: {lastProblem}.{Environment.NewLine}{LogTail(40)}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Stops the process as it stands: its sockets stay open and nothing is answered.</summary>
    public void Pause()
    {
        Send(SignalStop);
        _paused = true;
    }

    /// <summary>Lets a paused process go on.</summary>
    public void Resume()
    {
        if (_paused)
        {
            Send(SignalContinue);
            _paused = false;
        }
    }

    /// <summary>The whole log so far.</summary>
    public string ReadLog()
    {
        if (!File.Exists(LogPath))
        {
            return "";
        }

        using var stream = new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>The last lines of the log under a heading, for messages; and what a crash before them says.</summary>
    public string LogTail(int lines)
    {
        var all = ReadLog().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var state = HasExited ? string.Create(CultureInfo.InvariantCulture, $", exited with {_process.ExitCode}") : "";
        // What a crash was about stands above the stacks of hundreds of goroutines.
        var crash = all.SkipLast(lines).Where(line =>
            line.StartsWith("panic: ", StringComparison.Ordinal) || line.StartsWith("fatal error: ", StringComparison.Ordinal));
        return $"--- {Name}{state}, last lines of {LogPath}" + Environment.NewLine
            + string.Join(Environment.NewLine, crash.Concat(all.TakeLast(lines))) + Environment.NewLine;
    }

    /// <summary>
    /// Ends the process by SIGKILL and waits until it is gone: nothing of what it holds is worth a graceful end,
    /// and a crash is what clients have to cope with.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (!Running.TryRemove(this, out _))
        {
            return;
        }

        Kill();
        await _process.WaitForExitAsync();
        // The Process object itself is left to its finalizer: exit code and log stay readable for failure messages.
    }

    private void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // Already gone.
        }
    }

    private void Send(int signal)
    {
        if (HasExited || SendSignal(_process.Id, signal) != 0)
        {
            throw new ControlPlaneException($"{Name} takes no signal {signal}: it is gone.");
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);

    private static bool ProbeParentDeathSignal()
    {
        try
        {
            var start = new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", "--", "true"])
            {
                RedirectStandardError = true,
            };
            using var probe = Process.Start(start);
            probe?.WaitForExit();
            return probe?.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No util-linux: the handler of ProcessExit is what is left; only a SIGKILL of the tests evades it.
            return false;
        }
    }
}
