using System.Buffers;
using System.Globalization;
using System.Text;

namespace GpuScheduler.Extender.Decisions;

/// <summary>
/// Writes every decision as a line of JSON into a file, in the background. A decision never waits for it: what cannot be written is
/// dropped, counted, and the gap is noted in the file when it can be written again.
/// </summary>
internal sealed partial class AuditLog(DecisionLog decisions, ExtenderOptions options, TimeProvider time, ILogger<AuditLog> log) : IHostedService
{
    /// <summary>Decisions that may wait for the disk.</summary>
    private const int Capacity = 16_384;

    /// <summary>Bytes that are written at once, about.</summary>
    private const int Batch = 256 * 1024;

    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(10);

    private readonly string _path = options.Audit.Path;
    private readonly ArrayBufferWriter<byte> _lines = new();
    private DecisionListener? _listener;
    private Task _writing = Task.CompletedTask;
    private FileStream? _file;
    private long _dropped;
    private bool _failing;
    private DateTimeOffset _retryAt;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_path.Length > 0)
        {
            _listener = decisions.ListenForService(Capacity);
            _writing = Task.Run(() => WriteAsync(_listener), CancellationToken.None);
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // The channel ends, and what lies in it is still written.
        _listener?.Dispose();
        await _writing.WaitAsync(cancellationToken);
    }

    private async Task WriteAsync(DecisionListener listener)
    {
        while (await listener.Decisions.WaitToReadAsync())
        {
            var count = 0;
            _lines.ResetWrittenCount();
            while (_lines.WrittenCount < Batch && listener.Decisions.TryRead(out var decision))
            {
                _lines.Write(DecisionJson.Line(decision).Span);
                _lines.Write("\n"u8);
                count++;
            }

            _dropped += listener.TakeSkipped();
            Write(count);
        }

        _file?.Dispose();
    }

    private void Write(int count)
    {
        if (_failing && time.GetUtcNow() < _retryAt)
        {
            _dropped += count;
            return;
        }

        try
        {
            _file ??= Open();
            if (_file.Position > options.Audit.MaxFileMiB * 1024L * 1024)
            {
                Rotate();
            }

            if (_dropped > 0)
            {
                // First an end of line: the last one may be torn.
                _file.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\n{{\"time\":\"{time.GetUtcNow():O}\",\"dropped\":{_dropped}}}\n")));
            }

            _file.Write(_lines.WrittenSpan);
            if (_dropped > 0)
            {
                LogResumed(log, _path, _dropped);
            }

            (_dropped, _failing) = (0, false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _dropped += count;
            _file?.Dispose();
            _file = null;
            _retryAt = time.GetUtcNow() + s_retry;
            if (!_failing)
            {
                LogFailed(log, _path, e.Message);
            }

            _failing = true;
        }
    }

    private FileStream Open() => new(_path, new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 });

    private void Rotate()
    {
        _file!.Dispose();
        _file = null;
        if (options.Audit.Files == 1)
        {
            File.Delete(_path);
        }

        for (var i = options.Audit.Files - 1; i > 0; i--)
        {
            var from = i == 1 ? _path : NameOf(i - 1);
            if (File.Exists(from))
            {
                File.Move(from, NameOf(i), overwrite: true);
            }
        }

        _file = Open();
    }

    private string NameOf(int number) => string.Create(CultureInfo.InvariantCulture, $"{_path}.{number}");

    [LoggerMessage(1120, LogLevel.Error, "Decisions cannot be written to {File} and are dropped there until they can: {Why}", EventName = "AuditFailed")]
    private static partial void LogFailed(ILogger log, string file, string why);

    [LoggerMessage(1121, LogLevel.Warning, "Decisions are written to {File} again; {Dropped} are missing there", EventName = "AuditResumed")]
    private static partial void LogResumed(ILogger log, string file, long dropped);
}
