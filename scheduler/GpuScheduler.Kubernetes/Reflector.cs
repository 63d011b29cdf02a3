using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Keeps a copy of one resource: lists it, then watches it from the version of the list, for ever. What is put into the sink is
/// what the API server has, except for the time that news takes; nothing is missed over a broken connection, because the next
/// watch goes on from the last version seen, and where that is not possible the resource is listed anew.
/// </summary>
/// <remarks>
/// The first list may come from the API server's cache (resourceVersion=0), which is quick. Every later one is a quorum read,
/// since a cache may be older than what was already seen.
/// </remarks>
#pragma warning disable CA1001 // the source that is never disposed has no timer, and so nothing to give back
internal sealed class Reflector<T>
#pragma warning restore CA1001
{
    private readonly KubernetesConnection _connection;
    private readonly WatchedResource _resource;
    private readonly ObjectReader<T> _read;
    private readonly IReflectorSink<T> _sink;
    private readonly ReflectorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Random _random = new();
    private readonly Backoff _backoff;
    private readonly Lock _gate = new();
    private TaskCompletionSource? _wanted;
    private CancellationTokenSource _interrupt = new();
    private long _lastContact;
    private volatile bool _hasSynced;
    private string? _version;
    private bool _listedBefore;
    private bool _absent;
    private int _path;

    /// <summary>Creates one; nothing happens before <see cref="RunAsync"/>.</summary>
    public Reflector(KubernetesConnection connection, WatchedResource resource, ObjectReader<T> read, IReflectorSink<T> sink, ReflectorOptions options, TimeProvider time, ILogger logger)
    {
        _connection = connection;
        _resource = resource;
        _read = read;
        _sink = sink;
        _options = options;
        _time = time;
        _logger = logger;
        _backoff = new Backoff(options.BackoffLeast, options.BackoffMost, _random);
    }

    /// <summary>True once the sink has had a complete list.</summary>
    public bool HasSynced => _hasSynced;

    /// <summary>When the API server last sent something (a bookmark will do); null before it ever has.</summary>
    public DateTimeOffset? LastContact => Volatile.Read(ref _lastContact) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>Name of the resource.</summary>
    public string Resource => _resource.Title;

    /// <summary>
    /// Lists anew by a quorum read, whatever goes on now, and ends when the sink has it: all that was written before the call is in
    /// the copy then. A list that fails is tried again until it is cancelled.
    /// </summary>
    public Task ListAnewAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _wanted ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _interrupt.Cancel();
            return _wanted.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Lists and watches until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var pause = TimeSpan.Zero;
            var (wanted, interrupt) = Wanted();
            try
            {
                _version ??= await ListAsync(cancellationToken);
                wanted?.TrySetResult();
                wanted = null;
                pause = await WatchAsync(_version, interrupt, cancellationToken);
            }
            catch (OperationCanceledException) when (interrupt.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                // Somebody wants a new list.
            }
            catch (KubernetesApiException e) when (_version is null && _resource.MayBeAbsent && e.Status == HttpStatusCode.NotFound)
            {
                if (!TryNextPath())
                {
                    Absent(null);
                    pause = _options.AbsentPause;
                }
            }
            catch (KubernetesApiException e) when (_version is null && _resource.IsOptional && e.Status == HttpStatusCode.Forbidden)
            {
                Absent(e.Message);
                pause = _options.AbsentPause;
            }
            catch (KubernetesApiException e)
            {
                pause = _backoff.Next();
                if (e.RetryAfter is { } asked && asked > pause)
                {
                    pause = asked;
                }

                Failed(e.Message, pause);
                if (IsExpired(e) || e.Status is HttpStatusCode.NotFound or HttpStatusCode.BadRequest || (_resource.IsOptional && e.Status == HttpStatusCode.Forbidden))
                {
                    _version = null;
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is IOException or HttpRequestException or OperationCanceledException)
            {
                // A list that broke off or came to a halt.
                pause = _backoff.Next();
                Failed(e.Message, pause);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // What cannot be understood may have been missed: begin anew.
                _version = null;
                pause = _backoff.Next();
                ReflectorMetrics.Failed(_resource.Title);
                Log.WatchNotUnderstood(_logger, _resource.Title, pause, e);
            }

            Return(wanted);
            if (pause > TimeSpan.Zero)
            {
                using var either = CancellationTokenSource.CreateLinkedTokenSource(interrupt, cancellationToken);
                await Task.Delay(pause, _time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Who waits for a new list, which begins now, and what ends the watch after it when somebody wants another.</summary>
    private (TaskCompletionSource? Wanted, CancellationToken Interrupt) Wanted()
    {
        lock (_gate)
        {
            var wanted = _wanted;
            if (wanted is not null)
            {
                _wanted = null;
                _version = null;
                _listedBefore = true;
            }

            if (_interrupt.IsCancellationRequested)
            {
                _interrupt.Dispose();
                _interrupt = new CancellationTokenSource();
            }

            return (wanted, _interrupt.Token);
        }
    }

    /// <summary>The list has failed: who waits for it waits for the next.</summary>
    private void Return(TaskCompletionSource? wanted)
    {
        if (wanted is null)
        {
            return;
        }

        lock (_gate)
        {
            if (_wanted is null)
            {
                _wanted = wanted;
            }
            else
            {
                _wanted.Task.ContinueWith(static (_, w) => ((TaskCompletionSource)w!).TrySetResult(), wanted, TaskScheduler.Default);
            }
        }
    }

    /// <summary>Lists all pages, and only then tells the sink. Returns the version to watch from.</summary>
    private async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        var consistent = _listedBefore;
        var asked = _time.GetUtcNow();
        var reader = new ListReader<T>(_read, Unreadable);
        while (true)
        {
            // A continue token brings its version along; the API server takes no other beside it.
            var version = reader.Continue.Length > 0 ? $"&continue={Uri.EscapeDataString(reader.Continue)}" : consistent ? "" : "&resourceVersion=0";
            var isFirst = reader.Continue.Length == 0;
            try
            {
                reader.NextPage();
                await ReadPageAsync(Path($"limit={_options.PageSize.ToString(CultureInfo.InvariantCulture)}{version}"), reader, cancellationToken);
                if (reader.Continue.Length == 0)
                {
                    break;
                }
            }
            catch (KubernetesApiException e) when (!isFirst && IsExpired(e))
            {
                // From page to page it took longer than the API server keeps old versions: from the beginning.
                var pause = _backoff.Next();
                ReflectorMetrics.Failed(_resource.Title);
                Log.ListExpired(_logger, _resource.Title, pause, e.Message);
                await Task.Delay(pause, _time, cancellationToken);
                reader = new ListReader<T>(_read, Unreadable);
                consistent = true;
                asked = _time.GetUtcNow();
            }
        }

        if (reader.ResourceVersion.Length == 0)
        {
            throw new JsonException("metadata.resourceVersion is missing in the list");
        }

        _sink.Replace(reader.Items, consistent, asked);
        _listedBefore = true;
        _hasSynced = true;
        _absent = false;
        ReflectorMetrics.Listed(_resource.Title);
        Log.Listed(_logger, _resource.Title, reader.Items.Count, reader.ResourceVersion, consistent);
        return reader.ResourceVersion;
    }

    private async Task ReadPageAsync(string path, ListReader<T> reader, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.AnswerLimit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var response = await _connection.SendAsync(HttpMethod.Get, path, null, _resource.Rule, both.Token);
        await using var stream = await response.Content.ReadAsStreamAsync(both.Token);
        using var window = new StreamWindow(stream);
        int used;
        while (!reader.Read(window.Unused, window.IsCompleted, out used))
        {
            window.Use(used);

            // To the brim: an item that is not complete yet has to be looked at from its beginning each time.
            do
            {
                if (await window.ReadAsync(both.Token) > 0)
                {
                    Contact();
                    limit.CancelAfter(_options.AnswerLimit);
                }
            }
            while (!window.IsCompleted && !window.IsFull);
        }
    }

    /// <summary>
    /// Watches until the watch ends, and moves the version on with every event. Returns how long to wait before the next attempt.
    /// </summary>
    private async Task<TimeSpan> WatchAsync(string version, CancellationToken interrupt, CancellationToken cancellationToken)
    {
        var seconds = _random.NextDouble() * (_options.WatchMost - _options.WatchLeast).TotalSeconds + _options.WatchLeast.TotalSeconds;
        var duration = TimeSpan.FromSeconds(Math.Max(1, Math.Ceiling(seconds)));
        var idle = _options.WatchIdleLimit ?? duration + _options.Grace;
        var path = Path(string.Create(
            CultureInfo.InvariantCulture,
            $"watch=1&allowWatchBookmarks=true&timeoutSeconds={duration.TotalSeconds:F0}&resourceVersion={Uri.EscapeDataString(version)}"));

        using var limit = new CancellationTokenSource(_options.AnswerLimit < idle ? _options.AnswerLimit : idle, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, interrupt, cancellationToken);
        var began = _time.GetTimestamp();
        var events = 0L;
        try
        {
            using var response = await _connection.SendAsync(HttpMethod.Get, path, null, _resource.Rule, both.Token);
            await using var stream = await response.Content.ReadAsStreamAsync(both.Token);
            using var window = new StreamWindow(stream);
            ReflectorMetrics.Watched(_resource.Title);
            Contact();
            var scanned = 0;
            while (true)
            {
                limit.CancelAfter(idle);
                if (await window.ReadAsync(both.Token) == 0)
                {
                    break;
                }

                Contact();
                for (int end; (end = window.Unused[scanned..].IndexOf((byte)'\n')) >= 0; scanned = 0)
                {
                    end += scanned;
                    if (!Handle(window.Unused[..end]))
                    {
                        return events > 0 ? TimeSpan.Zero : _backoff.Next();
                    }

                    window.Use(end + 1);
                    events++;
                    _backoff.Reset();
                }

                scanned = window.Unused.Length;
            }

            if (!window.Unused.IsEmpty)
            {
                throw new HttpRequestException("a watch ended in the middle of an event");
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && !interrupt.IsCancellationRequested && (e is IOException or HttpRequestException or OperationCanceledException))
        {
            var pause = _backoff.Next();
            if (limit.IsCancellationRequested)
            {
                ReflectorMetrics.Failed(_resource.Title);
                Log.WatchSilent(_logger, _resource.Title, idle, pause);
            }
            else
            {
                Failed(e.Message, pause);
            }

            return pause;
        }

        if (events == 0 && _time.GetElapsedTime(began) < _options.ShortestWatch)
        {
            var pause = _backoff.Next();
            ReflectorMetrics.Failed(_resource.Title);
            Log.WatchTooShort(_logger, _resource.Title, pause);
            return pause;
        }

        _backoff.Reset();
        Log.WatchEnded(_logger, _resource.Title, events, _version);
        return TimeSpan.Zero;
    }

    /// <summary>Handles a line. False when the watch cannot go on from where it is.</summary>
    private bool Handle(ReadOnlySpan<byte> line)
    {
        if (line.Trim(" \t\r"u8).IsEmpty)
        {
            return true;
        }

        var watched = WatchEvent.Read(line);
        if (watched.Type == WatchEventType.Error)
        {
            var status = ApiStatus.Read(watched.Body);
            if (status.IsExpired)
            {
                Log.WatchExpired(_logger, _resource.Title, _version, status.Message);
                _version = null;
                return false;
            }

            throw new KubernetesApiException($"the watch failed: {status.Message} (code {status.Code.ToString(CultureInfo.InvariantCulture)}, reason {status.Reason})", (HttpStatusCode)status.Code)
            {
                Reason = status.Reason,
            };
        }

        var version = watched.ReadResourceVersion();
        if (watched.Type != WatchEventType.Bookmark)
        {
            try
            {
                var item = _read(watched.Body);
                if (watched.Type == WatchEventType.Delete)
                {
                    _sink.Delete(item);
                }
                else
                {
                    _sink.Upsert(item);
                }
            }
            catch (JsonException e)
            {
                Unreadable(e);
            }
        }

        if (version.Length > 0)
        {
            _version = version;
        }

        return true;
    }

    /// <summary>Goes on to the resource's next version; false, and back to the first, when there is none.</summary>
    private bool TryNextPath()
    {
        _path = _path < _resource.OtherPaths.Length ? _path + 1 : 0;
        return _path > 0;
    }

    private void Absent(string? refusal)
    {
        _sink.Absent(_time.GetUtcNow());
        _hasSynced = true;
        Contact();
        if (_absent)
        {
            return;
        }

        _absent = true;
        if (refusal is null && _resource.IsOptional)
        {
            Log.OptionalResourceAbsent(_logger, _resource.Title, _options.AbsentPause);
        }
        else if (refusal is null)
        {
            Log.ResourceAbsent(_logger, _resource.Title, _options.AbsentPause);
        }
        else
        {
            ReflectorMetrics.Failed(_resource.Title);
            Log.ResourceForbidden(_logger, _resource.Title, refusal, _options.AbsentPause);
        }
    }

    private static bool IsExpired(KubernetesApiException e) => e.Status == HttpStatusCode.Gone || e.Reason is "Expired" or "Gone";

    private void Failed(string why, TimeSpan pause)
    {
        ReflectorMetrics.Failed(_resource.Title);
        Log.ConnectionFailed(_logger, _resource.Title, why, pause);
    }

    private void Unreadable(JsonException e)
    {
        ReflectorMetrics.Failed(_resource.Title);
        Log.ObjectUnreadable(_logger, _resource.Title, e.Message);
    }

    private void Contact() => Volatile.Write(ref _lastContact, _time.GetUtcNow().UtcTicks);

    private string Path(string query)
    {
        var path = _path == 0 ? _resource.Path : _resource.OtherPaths[_path - 1];
        return _resource.FieldSelector.Length == 0
            ? $"{path}?{query}"
            : $"{path}?{query}&fieldSelector={Uri.EscapeDataString(_resource.FieldSelector)}";
    }
}
