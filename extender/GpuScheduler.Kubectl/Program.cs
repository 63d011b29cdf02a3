using GpuScheduler.Kubectl;

return await KubectlProgram.RunAsync(args, Console.Out, Console.Error, Console.In);
