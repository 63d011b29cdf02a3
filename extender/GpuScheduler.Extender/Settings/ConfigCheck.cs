namespace GpuScheduler.Extender.Settings;

/// <summary>Says whether a file with settings is right, without starting: for a pipeline, before the file is rolled out.</summary>
internal static class ConfigCheck
{
    /// <summary>Checks a file. Returns the exit code: 0 when a service would start with it or take it, 2 when not.</summary>
    public static async Task<int> RunAsync(string file, IReadOnlyDictionary<string, string?> settings, TextWriter output, TextWriter errors)
    {
        try
        {
            SettingsReader.Check(SettingsReader.Read(file, settings));
            await output.WriteLineAsync($"{file}: ok");
            return 0;
        }
        catch (Exception e) when (SettingsReader.Problems(e) is { } problems)
        {
            foreach (var problem in problems)
            {
                await errors.WriteLineAsync($"{file}: {problem}");
            }

            return 2;
        }
    }
}
