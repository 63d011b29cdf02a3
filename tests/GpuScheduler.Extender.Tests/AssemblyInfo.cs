using GpuScheduler.Extender.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(ExampleService))]
