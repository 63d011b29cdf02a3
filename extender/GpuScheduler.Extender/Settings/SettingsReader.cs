using System.Text.Json;
using GpuScheduler.Kubernetes;
using Microsoft.Extensions.Options;

namespace GpuScheduler.Extender.Settings;

/// <summary>Reads and checks the settings: at start, when the file changes, and for who only wants to know whether a file is right.</summary>
internal static class SettingsReader
{
    /// <summary>The settings as they are given, by rising precedence: the file, the environment, the command line.</summary>
    /// <exception cref="OptionsValidationException">The file has what is no setting.</exception>
    /// <exception cref="IOException">There is no such file, or it cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is not JSON.</exception>
    public static IConfigurationRoot Read(string? configFile, IReadOnlyDictionary<string, string?> settings)
    {
        var builder = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Logging:LogLevel:Default"] = "Information",
            ["Logging:LogLevel:Microsoft"] = "Warning",
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Information",

            // It logs an error whenever a probe finds the service not ready yet.
            ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "None",
        });
        if (configFile is not null && !File.Exists(configFile))
        {
            throw new FileNotFoundException($"--config is \"{configFile}\": there is no such file");
        }

        try
        {
            if (configFile is not null)
            {
                var file = new ConfigurationBuilder().AddJsonFile(Path.GetFullPath(configFile), optional: false).Build();
                RefuseUnknown(file);
                builder.AddConfiguration(file);
            }

            // A null, which JSON can say, is as if the setting were not there.
            return Of(builder.AddEnvironmentVariables("GPU_SCHEDULER_").AddInMemoryCollection(settings).Build().AsEnumerable());
        }
        catch (InvalidDataException e)
        {
            var cause = e.GetBaseException();
            throw new InvalidDataException($"--config is \"{configFile}\": {(cause is JsonException { LineNumber: { } line } ? $"line {line + 1} is not JSON: " : "")}{cause.Message}", e);
        }
    }

    /// <summary>Settings by name as a configuration; those without a value are left out.</summary>
    public static IConfigurationRoot Of(IEnumerable<KeyValuePair<string, string?>> settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Where(s => s.Value is not null)).Build();

    /// <summary>Binds and checks.</summary>
    /// <exception cref="OptionsValidationException">Some are wrong; it has a line for each.</exception>
    public static ExtenderOptions Check(IConfiguration configuration)
    {
        var options = new ExtenderOptions();
        try
        {
            configuration.Bind(options);
        }
        catch (InvalidOperationException e)
        {
            throw Wrong([e.InnerException is { } inner ? $"{e.Message} {inner.Message}" : e.Message]);
        }

        List<string> result =
        [
            .. ExtenderOptionsValidator.Validate(options),
            .. configuration.GetSection("Logging").AsEnumerable()
                .Where(s => s.Value is not null && s.Key.Contains(":LogLevel:", StringComparison.OrdinalIgnoreCase) && !Enum.GetNames<LogLevel>().Contains(s.Value, StringComparer.OrdinalIgnoreCase))
                .Select(s => $"{s.Key} is \"{s.Value}\": {string.Join(", ", Enum.GetNames<LogLevel>())} are allowed"),
        ];
        return result.Count > 0 ? throw Wrong(result) : options;
    }

    /// <summary>What is wrong, a line each, when this is an error of settings; null when it is another.</summary>
    public static IEnumerable<string>? Problems(Exception e) => e switch
    {
        OptionsValidationException invalid => invalid.Failures,
        IOException or UnauthorizedAccessException or InvalidSnapshotException or KubernetesConfigurationException or InvalidDataException => [e.Message],
        _ => null,
    };

    private static OptionsValidationException Wrong(IEnumerable<string> failures) => new("", typeof(ExtenderOptions), failures);

    /// <summary>
    /// A setting that is misspelled in the file is no setting at all, and nobody would know. (The environment is not looked at in this
    /// way: Kubernetes itself sets variables with the same prefix for a Service of this name.)
    /// </summary>
    private static void RefuseUnknown(IConfiguration file)
    {
        var unknown = file.GetChildren()
            .Where(section => section.Key is not "Logging")
            .SelectMany(section => Unknown(section, typeof(ExtenderOptions)))
            .Select(path => $"{path} is not a setting; docs/options.md lists those that are")
            .ToList();
        if (unknown.Count > 0)
        {
            throw Wrong(unknown);
        }
    }

    private static IEnumerable<string> Unknown(IConfigurationSection section, Type within)
    {
        if (within.IsGenericType && within.GetGenericTypeDefinition() == typeof(Dictionary<,>))
        {
            return section.GetChildren().SelectMany(child => Unknown(child, within.GenericTypeArguments[1]));
        }

        var property = within.GetProperties().FirstOrDefault(p => string.Equals(p.Name, section.Key, StringComparison.OrdinalIgnoreCase));
        return property is null
            ? [section.Path]
            : section.GetChildren().SelectMany(child => Unknown(child, property.PropertyType));
    }
}
