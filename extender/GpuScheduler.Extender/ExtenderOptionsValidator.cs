using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Mig;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Extender.Profiles;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender;

/// <summary>Checks all options at start; each message names the option, its value and what to change.</summary>
internal static class ExtenderOptionsValidator
{
    /// <summary>What is wrong; empty when nothing is.</summary>
    public static List<string> Validate(ExtenderOptions options)
    {
        var errors = new List<string>();
        var secure = CheckUrls(errors, "Urls", options.Urls, allowHttps: true);
        CheckUrls(errors, "HealthUrls", options.HealthUrls, allowHttps: false);
        if (ListenAddress.Split(options.Urls).Length == 0)
        {
            errors.Add("Urls is empty: name at least one address, for example http://127.0.0.1:18888");
        }

        errors.AddRange(options.ExternalMetrics.Problems(options));
        if (secure || options.ExternalMetrics.IsEnabled)
        {
            var needed = $"https:// in {(secure ? "Urls" : "ExternalMetrics:Urls")} needs it";
            CheckFile(errors, "Tls:Certificate", options.Tls.Certificate, needed);
            CheckFile(errors, "Tls:Key", options.Tls.Key, needed);
            if (errors.Count == 0)
            {
                CheckPair(errors, options.Tls);
            }
        }

        if (options.Tls.ClientCa is { Length: > 0 })
        {
            CheckFile(errors, "Tls:ClientCa", options.Tls.ClientCa, "");
            CheckAuthorities(errors, options.Tls.ClientCa);
            if (!secure)
            {
                errors.Add("Tls:ClientCa is set but no URL in Urls is https://: client certificates need TLS");
            }
        }

        if (options.Cluster is { Length: > 0 } && options.Kubeconfig is { Length: > 0 })
        {
            errors.Add("Cluster (a snapshot file) and Kubeconfig (a live cluster) are both set: remove one");
        }

        CheckFile(errors, "Cluster", options.Cluster, null);
        CheckFile(errors, "Kubeconfig", options.Kubeconfig, null);
        ProfileSettings.CheckWeights("Engine:Weights", options.Engine.Weights, errors);
        foreach (var (name, profile) in options.Profiles)
        {
            profile.Check(name, errors);
        }

        options.Canary.Check(options.Profiles, errors);
        options.Shadow.Check(options, errors);

        CheckTime(errors, "Holds:TentativeHold", options.Holds.TentativeHold, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        CheckTime(errors, "Holds:PromiseHold", options.Holds.PromiseHold, options.BindTimeout, TimeSpan.FromHours(1));
        CheckTime(errors, "Holds:CommitHold", options.Holds.CommitHold, TimeSpan.FromSeconds(10), TimeSpan.FromHours(24));
        CheckTime(errors, "BindTimeout", options.BindTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        CheckTime(errors, "Gangs:BarrierTimeout", options.Gangs.BarrierTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        CheckTime(errors, "Gangs:PlanHold", options.Gangs.PlanHold, options.Gangs.BarrierTimeout, TimeSpan.FromHours(1));
        CheckTime(errors, "Gangs:Backoff", options.Gangs.Backoff, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        CheckTime(errors, "Gangs:SolveLimit", options.Gangs.SolveLimit, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10));
        CheckTime(errors, "Gangs:KeepLimit", options.Gangs.KeepLimit, TimeSpan.FromSeconds(1), TimeSpan.FromDays(30));
        CheckTime(errors, "Gangs:ReplaceHold", options.Gangs.ReplaceHold, TimeSpan.Zero, TimeSpan.FromHours(1));
        CheckTime(errors, "Gangs:EvictionHold", options.Gangs.EvictionHold, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24));
        CheckTime(errors, "Gangs:BatchLimit", options.Gangs.BatchLimit, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        CheckTime(errors, "Dialects:NodeWait", options.Dialects.NodeWait, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        CheckDialects(errors, "Dialects:Read", options.Dialects.Read, ShareDialects.All);
        CheckDialects(errors, "Dialects:Write", options.Dialects.Write, [.. ShareDialects.All.Where(d => d.Plugin != DevicePlugins.None)]);
        if (options.Gangs.WakesPerSecond is < 1 or > 10_000)
        {
            errors.Add($"Gangs:WakesPerSecond is {options.Gangs.WakesPerSecond}: 1 to 10000 is allowed (to wake none set Gangs:Wake to false)");
        }

        errors.AddRange(options.Otlp.Problems());
        errors.AddRange(options.Forecast.Problems());
        if (options.Mig.Enabled)
        {
            CheckMig(errors, options);
        }

        // A second for the way there and back, and for what else is done in a bind.
        var longest = options.BindTimeout + options.Dialects.NodeWait + (options.Gangs.Enabled ? options.Gangs.BarrierTimeout : TimeSpan.Zero) + TimeSpan.FromSeconds(1);
        if (longest > options.HttpTimeout)
        {
            errors.Add($"HttpTimeout is {options.HttpTimeout}: BindTimeout, Gangs:BarrierTimeout and Dialects:NodeWait may take {longest} together with a second to spare; lower them, or raise httpTimeout in kube-scheduler's configuration and this with it");
        }

        errors.AddRange(options.Limits.Check());
        errors.AddRange(options.Access.Check(options));
        errors.AddRange(options.LeaderElection.Check(options.Cluster is { Length: > 0 }));
        options.Decisions.Check(errors);
        options.Audit.Check(errors);
        options.Recording.Check(errors);
        return errors;
    }

    private static void CheckDialects(List<string> errors, string option, string value, ImmutableArray<ShareDialect> allowed)
    {
        foreach (var name in DialectSettingsReader.Names(value).Where(name => !allowed.Any(d => d.Name == name)))
        {
            errors.Add($"{option} has \"{name}\": {string.Join(", ", allowed)} are allowed, separated by ',', or none");
        }
    }

    private static void CheckMig(List<string> errors, ExtenderOptions options)
    {
        var mig = options.Mig;
        if (options.Cluster is { Length: > 0 })
        {
            errors.Add("Mig:Enabled is true and Cluster is a snapshot file: layouts can only be changed in a live cluster; set Mig:Enabled to false");
        }

        CheckFile(errors, "Mig:ConfigFile", mig.ConfigFile, "Mig:Enabled needs the configuration file of mig-parted that mig-manager has");
        var names = ListenAddress.Split(mig.Configs);
        if (names.Length == 0)
        {
            errors.Add("Mig:Configs is empty: name the configurations of Mig:ConfigFile that may be asked for, for example all-1g.10gb;all-balanced");
        }

        if (ListenAddress.Split(mig.Schedulers).Length == 0)
        {
            errors.Add("Mig:Schedulers is empty: name the schedulers for whose pods nodes may be changed, for example default-scheduler");
        }

        foreach (var name in names.Where(n => n.Length > MigLabels.MostLength))
        {
            errors.Add($"Mig:Configs has \"{name}\": a label takes at most {MigLabels.MostLength} characters");
        }

        if (names.Length > 0 && File.Exists(mig.ConfigFile))
        {
            try
            {
                MigConfigFile.Load(mig.ConfigFile, names);
            }
            catch (InvalidDataException e)
            {
                errors.Add($"Mig:ConfigFile: {e.Message}");
            }
        }

        CheckTime(errors, "Mig:MinWait", mig.MinWait, TimeSpan.Zero, TimeSpan.FromHours(24));
        CheckTime(errors, "Mig:Cooldown", mig.Cooldown, TimeSpan.Zero, TimeSpan.FromDays(7));
        CheckTime(errors, "Mig:Timeout", mig.Timeout, TimeSpan.FromSeconds(10), TimeSpan.FromHours(24));
        CheckTime(errors, "Mig:Backoff", mig.Backoff, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24));
        CheckTime(errors, "Mig:SolveLimit", mig.SolveLimit, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        if (mig.MostAtOnce is < 1 or > 1000)
        {
            errors.Add($"Mig:MostAtOnce is {mig.MostAtOnce}: 1 to 1000 is allowed (to change none set Mig:Enabled to false)");
        }
    }

    private static bool CheckUrls(List<string> errors, string option, string urls, bool allowHttps)
    {
        var secure = false;
        foreach (var url in ListenAddress.Split(urls))
        {
            if (!ListenAddress.TryParse(url, out var address, out var why))
            {
                errors.Add($"{option} has \"{url}\": {why}");
            }
            else if (address.IsHttps && !allowHttps)
            {
                errors.Add($"{option} has \"{url}\": only http:// is allowed here");
            }
            else
            {
                secure |= address.IsHttps;
            }
        }

        return secure;
    }

    /// <param name="errors">Receives what is wrong.</param>
    /// <param name="option">Name of the option.</param>
    /// <param name="path">Its value.</param>
    /// <param name="needed">Why it must be set; null when it may be absent.</param>
    private static void CheckFile(List<string> errors, string option, string? path, string? needed)
    {
        if (path is not { Length: > 0 })
        {
            if (needed is { Length: > 0 })
            {
                errors.Add($"{option} is not set: {needed}");
            }
        }
        else if (!File.Exists(path))
        {
            errors.Add($"{option} is \"{path}\": there is no such file");
        }
    }

    private static void CheckPair(List<string> errors, ExtenderOptions.TlsSettings tls)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPemFile(tls.Certificate!, tls.Key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            errors.Add($"Tls:Certificate \"{tls.Certificate}\" and Tls:Key \"{tls.Key}\" are not a certificate with its private key in PEM form: {e.Message}");
        }
    }

    private static void CheckAuthorities(List<string> errors, string file)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            if (File.Exists(file))
            {
                authorities.ImportFromPemFile(file);
                if (authorities.Count == 0)
                {
                    errors.Add($"Tls:ClientCa is \"{file}\": there is no certificate in PEM form in it");
                }
            }
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            errors.Add($"Tls:ClientCa is \"{file}\": it cannot be read: {e.Message}");
        }
    }

    private static void CheckTime(List<string> errors, string option, TimeSpan value, TimeSpan least, TimeSpan most)
    {
        if (value < least || value > most)
        {
            errors.Add($"{option} is {value}: {least} to {most} is allowed");
        }
    }
}
