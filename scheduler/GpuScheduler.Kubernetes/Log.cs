using Microsoft.Extensions.Logging;

namespace GpuScheduler.Kubernetes;

/// <summary>What this project logs. Event ids 2000 to 2099.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Warning, "The bind of {Namespace}/{Pod} to node {Node} has no known outcome yet; asking for it. {Why}")]
    public static partial void BindOutcomeUnknown(ILogger logger, string @namespace, string pod, string node, string why);

    [LoggerMessage(2010, LogLevel.Information, "Listed {Count} {Resource} at version {Version} (quorum read: {Consistent}).")]
    public static partial void Listed(ILogger logger, string resource, int count, string version, bool consistent);

    [LoggerMessage(2011, LogLevel.Debug, "A watch of {Resource} ended after {Events} events; going on from version {Version}.")]
    public static partial void WatchEnded(ILogger logger, string resource, long events, string? version);

    [LoggerMessage(2012, LogLevel.Warning, "Listing or watching {Resource} failed: {Why}. Next attempt in {Pause}.")]
    public static partial void ConnectionFailed(ILogger logger, string resource, string why, TimeSpan pause);

    [LoggerMessage(2013, LogLevel.Information, "Version {Version} of {Resource} is too old to watch from; listing anew. {Why}")]
    public static partial void WatchExpired(ILogger logger, string resource, string? version, string why);

    [LoggerMessage(2014, LogLevel.Error, "A watch of {Resource} sent something that cannot be understood; listing anew in {Pause}.")]
    public static partial void WatchNotUnderstood(ILogger logger, string resource, TimeSpan pause, Exception exception);

    [LoggerMessage(2015, LogLevel.Warning, "An object of {Resource} cannot be read and is left out: {Why}.")]
    public static partial void ObjectUnreadable(ILogger logger, string resource, string why);

    [LoggerMessage(2016, LogLevel.Information, "The API server does not have {Resource}; asking again every {Pause}. Install its CustomResourceDefinition to use it.")]
    public static partial void ResourceAbsent(ILogger logger, string resource, TimeSpan pause);

    [LoggerMessage(2017, LogLevel.Warning, "A watch of {Resource} was silent for {Idle} and is taken for dead; next attempt in {Pause}.")]
    public static partial void WatchSilent(ILogger logger, string resource, TimeSpan idle, TimeSpan pause);

    [LoggerMessage(2018, LogLevel.Warning, "A watch of {Resource} ended at once; next attempt in {Pause}.")]
    public static partial void WatchTooShort(ILogger logger, string resource, TimeSpan pause);

    [LoggerMessage(2019, LogLevel.Information, "A list of {Resource} expired between two pages; listing anew in {Pause}. {Why}")]
    public static partial void ListExpired(ILogger logger, string resource, TimeSpan pause, string why);

    [LoggerMessage(2020, LogLevel.Warning, "{Why}. Labels and the catalogue speak for node {Node} until it is corrected.")]
    public static partial void ReportInvalid(ILogger logger, string node, string why);

    [LoggerMessage(2021, LogLevel.Warning, "{Resource} may not be read, so that what is declared there is not known; asking again every {Pause}. {Why}")]
    public static partial void ResourceForbidden(ILogger logger, string resource, string why, TimeSpan pause);

    [LoggerMessage(2022, LogLevel.Debug, "The API server does not have {Resource}; asking again every {Pause}.")]
    public static partial void OptionalResourceAbsent(ILogger logger, string resource, TimeSpan pause);
    [LoggerMessage(2023, LogLevel.Warning, "On node {Node}, pod {Pod}: {Finding}.")]
    public static partial void ReportFinding(ILogger logger, string node, string pod, string finding);

    [LoggerMessage(2040, LogLevel.Warning, "HAMi's lock of node {Node} for pod {Namespace}/{Pod} could not be released; HAMi takes it for over after {Expires}. {Why}")]
    public static partial void LockNotReleased(ILogger logger, string node, string @namespace, string pod, TimeSpan expires, string why);

    [LoggerMessage(2041, LogLevel.Warning, "On node {Node}: {Warning}.")]
    public static partial void SourceNotUsed(ILogger logger, string node, string warning);

    [LoggerMessage(2050, LogLevel.Information, "{Identity} holds the lease {Namespace}/{Name} now.")]
    public static partial void LeaseTaken(ILogger logger, string identity, string @namespace, string name);

    [LoggerMessage(2051, LogLevel.Warning, "The lease {Namespace}/{Name} is not ours any more: {Why}. Nothing is written until it is again.")]
    public static partial void LeaseLost(ILogger logger, string @namespace, string name, string why);

    [LoggerMessage(2052, LogLevel.Warning, "The lease {Namespace}/{Name} could not be looked at or renewed; it is tried again. {Why}")]
    public static partial void LeaseFailed(ILogger logger, string @namespace, string name, string why);

    [LoggerMessage(2053, LogLevel.Information, "The lease {Namespace}/{Name} is released.")]
    public static partial void LeaseReleased(ILogger logger, string @namespace, string name);

    [LoggerMessage(2054, LogLevel.Warning, "The lease {Namespace}/{Name} could not be released; another replica takes it after {Duration}. {Why}")]
    public static partial void LeaseNotReleased(ILogger logger, string @namespace, string name, TimeSpan duration, string why);

    [LoggerMessage(2055, LogLevel.Warning, "The label {Label} of pods could not be set to follow the leader; it is tried again. {Why}")]
    public static partial void LeaderLabelFailed(ILogger logger, string label, string why);
}
