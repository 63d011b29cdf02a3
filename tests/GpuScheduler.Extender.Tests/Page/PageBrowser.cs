using GpuScheduler.Testing.Browsing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Page;

/// <summary>One browser for the tests of a class.</summary>
public sealed class PageBrowser : Browser, IAsyncLifetime;
