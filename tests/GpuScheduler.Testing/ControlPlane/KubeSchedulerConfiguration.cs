using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GpuScheduler.Testing.ControlPlane;

/// <summary>Writes the configuration file of a kube-scheduler, in the version that its release reads.</summary>
internal static class KubeSchedulerConfiguration
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The file's text: JSON, which is YAML that needs no quoting rules.</summary>
    public static string Write(KubeSchedulerSetup setup, Version release, string kubeconfigPath, string healthzAddress)
    {
        // 1.20 to 1.22 read v1beta1, 1.23 and 1.24 v1beta3, and v1 is there from 1.25.
        var version = release >= new Version(1, 25) ? "v1" : release >= new Version(1, 23) ? "v1beta3" : "v1beta1";
        var configuration = new JsonObject
        {
            ["apiVersion"] = $"kubescheduler.config.k8s.io/{version}",
            ["kind"] = "KubeSchedulerConfiguration",
            ["leaderElection"] = new JsonObject { ["leaderElect"] = false },
            ["clientConnection"] = new JsonObject
            {
                ["kubeconfig"] = kubeconfigPath,
                // The defaults of 50 and 100 requests a second hold binds to 50 a second.
                ["qps"] = 5000,
                ["burst"] = 10000,
            },
            ["percentageOfNodesToScore"] = setup.PercentageOfNodesToScore,
            ["profiles"] = new JsonArray(
                [.. setup.SchedulerNames.Select(name => new JsonObject { ["schedulerName"] = name })]),
        };
        if (version == "v1beta1")
        {
            // Later versions have only the secure port. Unset, this one takes 10251 on every interface.
            configuration["healthzBindAddress"] = healthzAddress;
            configuration["metricsBindAddress"] = healthzAddress;
        }

        if (setup.ExtenderUrlPrefix is { } prefix)
        {
            configuration["extenders"] = new JsonArray(Extender(setup, prefix));
        }

        return configuration.ToJsonString(Indented);
    }

    private static JsonObject Extender(KubeSchedulerSetup setup, Uri prefix)
    {
        var extender = new JsonObject
        {
            // The scheduler adds "/" and the verb.
            ["urlPrefix"] = prefix.AbsoluteUri.TrimEnd('/'),
            ["weight"] = setup.Weight,
            ["nodeCacheCapable"] = setup.NodeCacheCapable,
            ["ignorable"] = setup.Ignorable,
            ["enableHTTPS"] = prefix.Scheme == Uri.UriSchemeHttps,
            ["httpTimeout"] = string.Create(CultureInfo.InvariantCulture, $"{setup.HttpTimeout.TotalMilliseconds:F0}ms"),
        };
        foreach (var verb in (ExtenderVerbs[])
                 [ExtenderVerbs.Filter, ExtenderVerbs.Prioritize, ExtenderVerbs.Preempt, ExtenderVerbs.Bind])
        {
            if (setup.Verbs.HasFlag(verb))
            {
                var name = verb switch
                {
                    ExtenderVerbs.Filter => "filter",
                    ExtenderVerbs.Prioritize => "prioritize",
                    ExtenderVerbs.Preempt => "preempt",
                    _ => "bind",
                };
                extender[name + "Verb"] = name;
            }
        }

        if (setup.ManagedResources.Count > 0)
        {
            extender["managedResources"] = new JsonArray(
            [
                .. setup.ManagedResources.Select(resource => new JsonObject
                {
                    ["name"] = resource.Name,
                    ["ignoredByScheduler"] = resource.IgnoredByScheduler,
                }),
            ]);
        }

        return extender;
    }
}
