using System.Globalization;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>
/// Reads traces of jobs with times, known by their columns. Philly: timestamp, duration (seconds), num_gpus. Muri: submit_time,
/// duration (milliseconds), num_gpu, priority. Sia: time (seconds), num_replicas, and no durations. openb: pod lists.
/// </summary>
/// <remarks>
/// A job of more GPUs than a pod may have is a gang of equal pods, as few as its number of GPUs can be divided into: 20 GPUs are 4 pods
/// of 5, or with at most 4 GPUs a pod, 5 of 4.
/// </remarks>
internal static class JobTraces
{
    /// <summary>Reads a trace.</summary>
    public static Trace Read(string path, JobSettings settings)
    {
        using var table = CsvTable.Open(path, "the job trace");
        var name = Path.GetFileNameWithoutExtension(path);
        if (OpenbPods.Fits(table))
        {
            const string Prefix = "openb_pod_list_";
            return OpenbPods.Read(table, path, name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name);
        }

        var form = table.Has("timestamp", "duration", "num_gpus") ? JobForm.Philly
            : table.Has("submit_time", "duration", "num_gpu") ? JobForm.Muri
            : table.Has("time", "num_replicas") ? JobForm.Sia
            : throw new InputException($"{path}:1: not a known job trace. Columns that are known: timestamp, duration, num_gpus (Philly); submit_time, duration, num_gpu (Muri); time, num_replicas (Sia); name, cpu_milli, memory_mib, num_gpu, gpu_milli (openb). The file has {string.Join(", ", table.Columns)}");
        return Read(table, path, name, form, settings);
    }

    private static Trace Read(CsvTable table, string path, string name, JobForm form, JobSettings settings)
    {
        var (time, duration, gpus) = form switch
        {
            JobForm.Philly => (table.Column("timestamp"), table.Column("duration"), table.Column("num_gpus")),
            JobForm.Muri => (table.Column("submit_time"), table.Column("duration"), table.Column("num_gpu")),
            _ => (table.Column("time"), -1, table.Column("num_replicas")),
        };
        var priority = table.ColumnIfAny("priority");
        var templates = new Dictionary<(int GpusOfJob, int Priority), PodInfo>();
        var pods = new List<TracePod>();
        var (jobs, gangs) = (0, 0);
        while (table.Next())
        {
            var arrival = form switch
            {
                JobForm.Philly => table.UnixMilliseconds(time),
                JobForm.Muri => (long)table.Number(time),
                _ => (long)(table.Number(time) * 1000),
            };
            var runs = form switch
            {
                JobForm.Philly => (long)(table.Number(duration) * 1000),
                JobForm.Muri => (long)table.Number(duration),
                _ => settings.DurationMs,
            };
            var rank = priority < 0 ? 0 : (int)table.Whole(priority);
            var gpusOfJob = (int)table.Whole(gpus, 1_000_000);
            var members = MembersOf(gpusOfJob, settings.MostGpusPerPod);
            if (!templates.TryGetValue((gpusOfJob, rank), out var template))
            {
                var size = gpusOfJob / members;
                templates[(gpusOfJob, rank)] = template = TracePod.TemplateOf(size == 0 ? GpuRequest.None : new GpuRequest { WholeGpus = size }, settings.CpuMilliPerGpu * size, 0, rank);
            }

            gangs += members > 1 ? 1 : 0;
            pods.Add(new TracePod(string.Create(CultureInfo.InvariantCulture, $"job-{jobs:D7}"), template, arrival, runs, members));
            jobs++;
        }

        if (jobs == 0)
        {
            throw new InputException($"{path} lists no jobs");
        }

        var notes = new List<string>();
        if (gangs > 0)
        {
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {gangs} of {jobs} jobs want more than {settings.MostGpusPerPod} GPUs; each is a gang of equal pods, which start together"));
        }

        if (form == JobForm.Sia)
        {
            notes.Add($"{name}: the trace has no durations; every job runs {Spans.Show(settings.DurationMs)}");
        }

        return new Trace(name, pods) { Source = string.Create(CultureInfo.InvariantCulture, $"{form} trace {path}: {jobs} jobs, {gangs} of them gangs; {pods.Sum(p => (long)p.Members)} pods"), File = path, Notes = notes };
    }

    private static int MembersOf(int gpus, int most)
    {
        var members = Math.Max(1, (gpus + most - 1) / most);
        while (gpus % members != 0)
        {
            members++;
        }

        return members;
    }

    private enum JobForm
    {
        Philly,
        Muri,
        Sia,
    }
}
