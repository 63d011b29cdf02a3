using GpuScheduler.Testing.Browsing;
using Xunit;

namespace GpuScheduler.Simulator.Tests.Report;

/// <summary>One browser for the tests of a class.</summary>
public sealed class ReportBrowser : Browser, IAsyncLifetime;
