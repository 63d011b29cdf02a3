namespace GpuScheduler.Testing;

/// <summary>The checkout that tests and benchmarks were built from.</summary>
public static class Checkout
{
    /// <summary>Its folder: the nearest above the program that holds Scheduler.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Scheduler.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("this must run from a checkout: Scheduler.sln was not found above " + AppContext.BaseDirectory);
    }
}
