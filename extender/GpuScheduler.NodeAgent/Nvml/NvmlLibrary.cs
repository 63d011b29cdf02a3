using System.Runtime.InteropServices;
using System.Text;

namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>
/// NVML by function pointers into a library that is loaded at run time. All signatures are blittable, so that there is nothing for a
/// marshaller to generate; and pointers belong to an instance where the imports of an assembly belong to the process: a driver that
/// was replaced is loaded anew, and a symbol that an old driver lacks is a null, not an exception in the middle of a call.
/// </summary>
/// <remarks>Names, signatures and layouts as in NVIDIA's NVML API reference. Of a call with versions the newest is tried first.</remarks>
internal sealed unsafe class NvmlLibrary : INvml
{
    public const string DefaultName = "libnvidia-ml.so.1";

    private const int TextBytes = 96;          // NVML_DEVICE_UUID_V2_BUFFER_SIZE, NVML_DEVICE_NAME_V2_BUFFER_SIZE
    private const uint XidEvents = 0x8;        // nvmlEventTypeXidCriticalError
    private const int P2pNvlink = 2;           // NVML_P2P_CAPS_INDEX_NVLINK
    private const int LinkSpeedCommon = 90;    // NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON
    private const int LinkSpeed = 164;         // NVML_FI_DEV_NVLINK_GET_SPEED, the link as scope
    private const int FabricCompleted = 3;     // NVML_GPU_FABRIC_STATE_COMPLETED
    private const int MostInstances = 64;

    private readonly nint _library;
    private readonly Dictionary<string, nint> _symbols = new(StringComparer.Ordinal);
    private readonly Lock _eventGate = new();
    private nint _eventSet;
    private bool _disposed;

    private NvmlLibrary(nint library) => _library = library;

    /// <summary>Loads the library and starts a session with the driver.</summary>
    /// <exception cref="NvmlException">The library is missing or is none, or the driver does not answer.</exception>
    public static NvmlLibrary Open(string path)
    {
        nint library;
        try
        {
            // A bare name is searched for by the loader, a file of this folder is meant as such.
            library = NativeLibrary.Load(File.Exists(path) ? Path.GetFullPath(path) : path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new NvmlException(
                $"{path} cannot be loaded: install the NVIDIA driver on this node (in a container: run it with the NVIDIA runtime class, or mount the driver's library), or give the library's path with --nvml-library. The loader says: {LastLine(e.Message)}",
                NvmlReturn.LibraryNotFound, e);
        }

        var nvml = new NvmlLibrary(library);
        var init = (delegate* unmanaged<int>)nvml.Symbol("nvmlInit_v2", "nvmlInit");
        if (init is null)
        {
            NativeLibrary.Free(library);
            throw new NvmlException($"{path} is not NVML: it has no nvmlInit_v2. Give the path of libnvidia-ml.so.1 with --nvml-library", NvmlReturn.FunctionNotFound);
        }

        var code = (NvmlReturn)init();
        if (code != NvmlReturn.Success)
        {
            var text = nvml.Describe(code);
            NativeLibrary.Free(library);
            throw new NvmlException($"{path}: nvmlInit_v2 returned {(int)code} ({text}): {Advice(code)}", code);
        }

        return nvml;
    }

    /// <summary>What a session that cannot begin, or broke, needs.</summary>
    public static string Advice(NvmlReturn code) => code switch
    {
        NvmlReturn.DriverNotLoaded => "load the driver (modprobe nvidia; nvidia-smi must work on this node), or remove the node from the agent's selector if it has no NVIDIA GPU",
        NvmlReturn.LibRmVersionMismatch => "library and kernel module are of different driver versions: reboot the node or reload the module after the upgrade",
        NvmlReturn.NoPermission => "this user may not open /dev/nvidiactl: mount the device files, or run as a user that may",
        _ => "see whether nvidia-smi works on this node, and dmesg",
    };

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        lock (_eventGate)
        {
            if (_eventSet != 0 && Symbol("nvmlEventSetFree") is not 0 and var free)
            {
                _ = ((delegate* unmanaged<nint, int>)free)(_eventSet);
                _eventSet = 0;
            }

            if (Symbol("nvmlShutdown") is not 0 and var shutdown)
            {
                _ = ((delegate* unmanaged<int>)shutdown)();
            }

            NativeLibrary.Free(_library);
        }
    }

    public NvmlReturn DriverVersion(out string version)
    {
        version = "";
        var call = (delegate* unmanaged<byte*, uint, int>)Symbol("nvmlSystemGetDriverVersion");
        if (call is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var text = stackalloc byte[TextBytes];
        var code = (NvmlReturn)call(text, TextBytes);
        version = code == NvmlReturn.Success ? Text(text, TextBytes) : "";
        return code;
    }

    public NvmlReturn DeviceCount(out int count)
    {
        var code = Number(Symbol("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"), out var value);
        count = (int)value;
        return code;
    }

    public NvmlReturn Device(int index, out nint device)
    {
        var call = (delegate* unmanaged<uint, nint*, int>)Symbol("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex");
        nint handle = 0;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call((uint)index, &handle);
        device = handle;
        return code;
    }

    public NvmlReturn Uuid(nint device, out string uuid) => DeviceText("nvmlDeviceGetUUID", device, out uuid);

    public NvmlReturn Name(nint device, out string name) => DeviceText("nvmlDeviceGetName", device, out name);

    public NvmlReturn Pci(nint device, out PciInfo pci)
    {
        pci = default;
        var call = (delegate* unmanaged<nint, NativePciInfo*, int>)Symbol("nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo");
        if (call is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var native = default(NativePciInfo);
        var code = (NvmlReturn)call(device, &native);
        return code == NvmlReturn.Success ? Read(&native, out pci) : code;
    }

    /// <summary>True when a driver does not know this version of a call, so that an older one is to be tried. Some say of a struct's unknown version that the argument is invalid.</summary>
    private static bool IsOtherVersion(NvmlReturn code) => code is NvmlReturn.ArgumentVersionMismatch or NvmlReturn.FunctionNotFound or NvmlReturn.InvalidArgument;

    public NvmlReturn Memory(nint device, out MemoryInfo memory)
    {
        memory = default;
        var v2 = (delegate* unmanaged<nint, NativeMemory2*, int>)Symbol("nvmlDeviceGetMemoryInfo_v2");
        if (v2 is not null)
        {
            var native = new NativeMemory2 { Version = Version<NativeMemory2>(2) };
            var code = (NvmlReturn)v2(device, &native);
            if (!IsOtherVersion(code))
            {
                memory = new MemoryInfo(native.Total, native.Used, native.Free);
                return code;
            }
        }

        var v1 = (delegate* unmanaged<nint, NativeMemory*, int>)Symbol("nvmlDeviceGetMemoryInfo");
        if (v1 is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var old = default(NativeMemory);
        var result = (NvmlReturn)v1(device, &old);
        memory = new MemoryInfo(old.Total, old.Used, old.Free);
        return result;
    }

    public NvmlReturn NumaNodes(nint device, out ulong nodes)
    {
        const uint Node = 0; // NVML_AFFINITY_SCOPE_NODE
        const int Words = 16;
        nodes = 0;
        var call = (delegate* unmanaged<nint, uint, nuint*, uint, int>)Symbol("nvmlDeviceGetMemoryAffinity");
        if (call is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var set = stackalloc nuint[Words];
        new Span<nuint>(set, Words).Clear();
        var code = (NvmlReturn)call(device, Words, set, Node);
        nodes = set[0];
        return code;
    }

    public NvmlReturn ComputeCapability(nint device, out int major, out int minor)
    {
        var code = Pair("nvmlDeviceGetCudaComputeCapability", device, out var a, out var b);
        (major, minor) = ((int)a, (int)b);
        return code;
    }

    public NvmlReturn EccEnabled(nint device, out bool enabled)
    {
        var code = Pair("nvmlDeviceGetEccMode", device, out var current, out _);
        enabled = current != 0;
        return code;
    }

    public NvmlReturn UncorrectedEcc(nint device, out ulong errors)
    {
        const uint Uncorrected = 1; // NVML_MEMORY_ERROR_TYPE_UNCORRECTED
        const uint Volatile = 0;    // NVML_VOLATILE_ECC
        var call = (delegate* unmanaged<nint, uint, uint, ulong*, int>)Symbol("nvmlDeviceGetTotalEccErrors");
        ulong count = 0;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call(device, Uncorrected, Volatile, &count);
        errors = count;
        return code;
    }

    public NvmlReturn RemappedRows(nint device, out RemappedRows rows)
    {
        var call = (delegate* unmanaged<nint, uint*, uint*, uint*, uint*, int>)Symbol("nvmlDeviceGetRemappedRows");
        uint corrected = 0, uncorrected = 0, pending = 0, failed = 0;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call(device, &corrected, &uncorrected, &pending, &failed);
        rows = new RemappedRows(pending != 0, failed != 0);
        return code;
    }

    public NvmlReturn CommonAncestor(nint a, nint b, out int level)
    {
        var call = (delegate* unmanaged<nint, nint, uint*, int>)Symbol("nvmlDeviceGetTopologyCommonAncestor");
        uint value = 0;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call(a, b, &value);
        level = (int)value;
        return code;
    }

    public NvmlReturn NvLinkActive(nint device, int link, out bool active)
    {
        var code = LinkNumber("nvmlDeviceGetNvLinkState", device, link, out var value);
        active = value != 0;
        return code;
    }

    public NvmlReturn NvLinkEnd(nint device, int link, out NvLinkEnd end)
    {
        var code = LinkNumber("nvmlDeviceGetNvLinkRemoteDeviceType", device, link, out var value);
        end = code == NvmlReturn.Success ? (NvLinkEnd)value : Nvml.NvLinkEnd.Unknown;
        return code;
    }

    public NvmlReturn NvLinkRemotePci(nint device, int link, out PciInfo pci)
    {
        pci = default;
        var call = (delegate* unmanaged<nint, uint, NativePciInfo*, int>)Symbol("nvmlDeviceGetNvLinkRemotePciInfo_v2", "nvmlDeviceGetNvLinkRemotePciInfo");
        if (call is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var native = default(NativePciInfo);
        var code = (NvmlReturn)call(device, (uint)link, &native);
        return code == NvmlReturn.Success ? Read(&native, out pci) : code;
    }

    public NvmlReturn NvLinkSpeed(nint device, int link, out int mbps)
    {
        mbps = 0;
        var call = (delegate* unmanaged<nint, int, NativeFieldValue*, int>)Symbol("nvmlDeviceGetFieldValues");
        if (call is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var fields = stackalloc NativeFieldValue[2];
        fields[0] = new NativeFieldValue { Field = LinkSpeed, Scope = (uint)link };
        fields[1] = new NativeFieldValue { Field = LinkSpeedCommon };
        var code = (NvmlReturn)call(device, 2, fields);
        if (code != NvmlReturn.Success)
        {
            return code;
        }

        for (var i = 0; i < 2; i++)
        {
            if (fields[i].Return == (int)NvmlReturn.Success && fields[i].ToNumber() is > 0 and <= int.MaxValue and var speed)
            {
                mbps = (int)speed;
                return NvmlReturn.Success;
            }
        }

        return NvmlReturn.NotSupported;
    }

    public NvmlReturn NvLinkVersion(nint device, int link, out uint version) => LinkNumber("nvmlDeviceGetNvLinkVersion", device, link, out version);

    public NvmlReturn NvLinkPeers(nint a, nint b, out bool peers)
    {
        var call = (delegate* unmanaged<nint, nint, uint, uint*, int>)Symbol("nvmlDeviceGetP2PStatus");
        uint status = uint.MaxValue;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call(a, b, P2pNvlink, &status);
        peers = code == NvmlReturn.Success && status == 0;
        return code;
    }

    public NvmlReturn Fabric(nint device, out FabricInfo fabric)
    {
        fabric = default;
        var versioned = (delegate* unmanaged<nint, NativeFabric2*, int>)Symbol("nvmlDeviceGetGpuFabricInfoV");
        if (versioned is not null)
        {
            var native = new NativeFabric2 { Version = Version<NativeFabric2>(2) };
            var code = (NvmlReturn)versioned(device, &native);
            if (!IsOtherVersion(code))
            {
                fabric = new FabricInfo(Uuid(native.Cluster), native.Clique, native.State == FabricCompleted && native.Status == 0);
                return code;
            }
        }

        var plain = (delegate* unmanaged<nint, NativeFabric*, int>)Symbol("nvmlDeviceGetGpuFabricInfo");
        if (plain is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var old = default(NativeFabric);
        var result = (NvmlReturn)plain(device, &old);
        fabric = new FabricInfo(Uuid(old.Cluster), old.Clique, old.State == FabricCompleted && old.Status == 0);
        return result;
    }

    public NvmlReturn MigMode(nint device, out bool current, out bool pending)
    {
        var code = Pair("nvmlDeviceGetMigMode", device, out var now, out var next);
        (current, pending) = (now != 0, next != 0);
        return code;
    }

    public NvmlReturn MostMigDevices(nint device, out int count)
    {
        var code = DeviceNumber("nvmlDeviceGetMaxMigDeviceCount", device, out var value);
        count = (int)Math.Min(value, MostInstances);
        return code;
    }

    public NvmlReturn MigDevice(nint device, int index, out nint migDevice)
    {
        var call = (delegate* unmanaged<nint, uint, nint*, int>)Symbol("nvmlDeviceGetMigDeviceHandleByIndex");
        nint handle = 0;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call(device, (uint)index, &handle);
        migDevice = handle;
        return code;
    }

    public NvmlReturn GpuInstanceId(nint migDevice, out uint id) => DeviceNumber("nvmlDeviceGetGpuInstanceId", migDevice, out id);

    public NvmlReturn MigAttributes(nint migDevice, out MigAttributes attributes)
    {
        attributes = default;
        var call = (delegate* unmanaged<nint, NativeAttributes*, int>)Symbol("nvmlDeviceGetAttributes_v2", "nvmlDeviceGetAttributes");
        if (call is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var native = default(NativeAttributes);
        var code = (NvmlReturn)call(migDevice, &native);
        attributes = new MigAttributes(native.GpuInstanceSlices, native.ComputeInstanceSlices, native.MemoryMiB);
        return code;
    }

    public NvmlReturn GpuInstance(nint device, uint id, out GpuInstance instance)
    {
        instance = default;
        var find = (delegate* unmanaged<nint, uint, nint*, int>)Symbol("nvmlDeviceGetGpuInstanceById");
        if (find is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        nint handle = 0;
        var code = (NvmlReturn)find(device, id, &handle);
        return code == NvmlReturn.Success ? Read(handle, out instance) : code;
    }

    public NvmlReturn GpuInstanceProfile(nint device, int number, out GpuInstanceProfile profile)
    {
        profile = default;
        var versioned = (delegate* unmanaged<nint, uint, NativeProfile2*, int>)Symbol("nvmlDeviceGetGpuInstanceProfileInfoV");
        if (versioned is not null)
        {
            var native = new NativeProfile2 { Version = Version<NativeProfile2>(2) };
            var code = (NvmlReturn)versioned(device, (uint)number, &native);
            if (code is not (NvmlReturn.ArgumentVersionMismatch or NvmlReturn.FunctionNotFound))
            {
                var name = Text(native.Name, TextBytes);
                profile = new GpuInstanceProfile(native.Id, native.Slices, native.MemoryMiB, name.Length > 0 ? name : null);
                return code;
            }
        }

        var plain = (delegate* unmanaged<nint, uint, NativeProfile*, int>)Symbol("nvmlDeviceGetGpuInstanceProfileInfo");
        if (plain is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var old = default(NativeProfile);
        var result = (NvmlReturn)plain(device, (uint)number, &old);
        profile = new GpuInstanceProfile(old.Id, old.Slices, old.MemoryMiB, null);
        return result;
    }

    public NvmlReturn GpuInstances(nint device, uint profileId, out GpuInstance[] instances)
    {
        instances = [];
        var call = (delegate* unmanaged<nint, uint, nint*, uint*, int>)Symbol("nvmlDeviceGetGpuInstances");
        if (call is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var handles = stackalloc nint[MostInstances];
        uint count = MostInstances;
        var code = (NvmlReturn)call(device, profileId, handles, &count);
        if (code != NvmlReturn.Success)
        {
            return code;
        }

        var found = new List<GpuInstance>();
        for (var i = 0; i < Math.Min(count, MostInstances); i++)
        {
            code = Read(handles[i], out var instance);
            if (code != NvmlReturn.Success)
            {
                return code;
            }

            found.Add(instance);
        }

        instances = [.. found];
        return NvmlReturn.Success;
    }

    public NvmlReturn Listen(nint device)
    {
        var create = (delegate* unmanaged<nint*, int>)Symbol("nvmlEventSetCreate");
        var register = (delegate* unmanaged<nint, ulong, nint, int>)Symbol("nvmlDeviceRegisterEvents");
        if (create is null || register is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        lock (_eventGate)
        {
            if (_eventSet == 0)
            {
                nint set = 0;
                var code = (NvmlReturn)create(&set);
                if (code != NvmlReturn.Success)
                {
                    return code;
                }

                _eventSet = set;
            }

            return (NvmlReturn)register(device, XidEvents, _eventSet);
        }
    }

    public NvmlReturn WaitForXid(TimeSpan limit, out XidEvent xid)
    {
        xid = default;
        var wait = (delegate* unmanaged<nint, NativeEvent*, uint, int>)Symbol("nvmlEventSetWait_v2", "nvmlEventSetWait");
        if (wait is null || _eventSet == 0)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var native = default(NativeEvent);
        var code = (NvmlReturn)wait(_eventSet, &native, (uint)limit.TotalMilliseconds);
        if (code == NvmlReturn.Success)
        {
            if ((native.Type & XidEvents) == 0)
            {
                return NvmlReturn.NotFound;
            }

            xid = new XidEvent(native.Device, (uint)native.Data);
        }

        return code;
    }

    /// <summary>The driver's own words for a code.</summary>
    public string Describe(NvmlReturn code)
    {
        var call = (delegate* unmanaged<int, byte*>)Symbol("nvmlErrorString");
        var text = call is null ? null : call((int)code);
        return text is null ? code.ToString() : Text(text, 256);
    }

    private NvmlReturn Read(nint gpuInstance, out GpuInstance instance)
    {
        instance = default;
        var call = (delegate* unmanaged<nint, NativeGpuInstance*, int>)Symbol("nvmlGpuInstanceGetInfo");
        if (call is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var native = default(NativeGpuInstance);
        var code = (NvmlReturn)call(gpuInstance, &native);
        instance = new GpuInstance(native.Id, native.Profile, native.Start, native.Size);
        return code;
    }

    /// <summary>The first of several names that the library has; 0 for none.</summary>
    private nint Symbol(params ReadOnlySpan<string> names)
    {
        lock (_symbols)
        {
            if (_symbols.TryGetValue(names[0], out var known))
            {
                return known;
            }

            nint found = 0;
            foreach (var name in names)
            {
                if (NativeLibrary.TryGetExport(_library, name, out found))
                {
                    break;
                }
            }

            return _symbols[names[0]] = found;
        }
    }

    private NvmlReturn DeviceText(string symbol, nint device, out string text)
    {
        text = "";
        var call = (delegate* unmanaged<nint, byte*, uint, int>)Symbol(symbol);
        if (call is null)
        {
            return NvmlReturn.FunctionNotFound;
        }

        var bytes = stackalloc byte[TextBytes];
        bytes[0] = 0;
        var code = (NvmlReturn)call(device, bytes, TextBytes);
        text = code == NvmlReturn.Success ? Text(bytes, TextBytes) : "";
        return code;
    }

    private NvmlReturn DeviceNumber(string symbol, nint device, out uint value)
    {
        var call = (delegate* unmanaged<nint, uint*, int>)Symbol(symbol);
        uint number = 0;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call(device, &number);
        value = number;
        return code;
    }

    private NvmlReturn LinkNumber(string symbol, nint device, int link, out uint value)
    {
        var call = (delegate* unmanaged<nint, uint, uint*, int>)Symbol(symbol);
        uint number = 0;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call(device, (uint)link, &number);
        value = number;
        return code;
    }

    private NvmlReturn Pair(string symbol, nint device, out uint first, out uint second)
    {
        var call = (delegate* unmanaged<nint, uint*, uint*, int>)Symbol(symbol);
        uint a = 0, b = 0;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call(device, &a, &b);
        (first, second) = (a, b);
        return code;
    }

    private static NvmlReturn Number(nint symbol, out uint value)
    {
        var call = (delegate* unmanaged<uint*, int>)symbol;
        uint number = 0;
        var code = call is null ? NvmlReturn.FunctionNotFound : (NvmlReturn)call(&number);
        value = number;
        return code;
    }

    /// <summary>The number fields are the same in every version; the texts hold the function, too.</summary>
    private static NvmlReturn Read(NativePciInfo* native, out PciInfo pci)
    {
        var address = PciAddress.TryParse(Text(native->BusId, 32), out var full) ? full
            : PciAddress.TryParse(Text(native->BusIdLegacy, 16), out var legacy) ? legacy
            : new PciAddress(native->Domain, native->Bus, native->Device);
        pci = new PciInfo(address, native->DeviceId);
        return NvmlReturn.Success;
    }

    private static Guid Uuid(byte* bytes) => new(new ReadOnlySpan<byte>(bytes, 16), bigEndian: true);

    private static uint Version<T>(uint version)
        where T : unmanaged => (uint)sizeof(T) | (version << 24);

    private static string Text(byte* bytes, int most)
    {
        var span = new ReadOnlySpan<byte>(bytes, most);
        var end = span.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? span : span[..end]).Trim();
    }

    /// <summary>The runtime's message begins with general advice; the loader's own word is at its end.</summary>
    private static string LastLine(string text) => text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)[^1];

    // nvmlPciInfo_t. Versions before the third have four reserved numbers in place of BusId.
    [StructLayout(LayoutKind.Sequential)]
    private struct NativePciInfo
    {
        public fixed byte BusIdLegacy[16];
        public uint Domain;
        public uint Bus;
        public uint Device;
        public uint DeviceId;
        public uint SubsystemId;
        public fixed byte BusId[32];
    }

    // nvmlMemory_v2_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeMemory2
    {
        public uint Version;
        public ulong Total;
        public ulong Reserved;
        public ulong Free;
        public ulong Used;
    }

    // nvmlMemory_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeMemory
    {
        public ulong Total;
        public ulong Free;
        public ulong Used;
    }

    // nvmlFieldValue_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeFieldValue
    {
        public uint Field;
        public uint Scope;
        public long Timestamp;
        public long Latency;
        public uint Type;
        public int Return;
        public ulong Value;

        public readonly ulong ToNumber() => Type switch
        {
            0 => BitConverter.UInt64BitsToDouble(Value) is >= 0 and <= uint.MaxValue and var real ? (ulong)real : 0,
            1 or 5 => (uint)Value,
            6 => (ushort)Value,
            _ => Value,
        };
    }

    // nvmlGpuFabricInfo_v2_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeFabric2
    {
        public uint Version;
        public fixed byte Cluster[16];
        public int Status;
        public uint Clique;
        public byte State;
        public uint Health;
    }

    // nvmlGpuFabricInfo_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeFabric
    {
        public fixed byte Cluster[16];
        public int Status;
        public uint Clique;
        public byte State;
    }

    // nvmlDeviceAttributes_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeAttributes
    {
        public uint Multiprocessors;
        public uint CopyEngines;
        public uint Decoders;
        public uint Encoders;
        public uint Jpegs;
        public uint OpticalFlows;
        public uint GpuInstanceSlices;
        public uint ComputeInstanceSlices;
        public ulong MemoryMiB;
    }

    // nvmlGpuInstanceInfo_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeGpuInstance
    {
        public nint Device;
        public uint Id;
        public uint Profile;
        public uint Start;
        public uint Size;
    }

    // nvmlGpuInstanceProfileInfo_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeProfile
    {
        public uint Id;
        public uint IsP2pSupported;
        public uint Slices;
        public uint Instances;
        public uint Multiprocessors;
        public uint CopyEngines;
        public uint Decoders;
        public uint Encoders;
        public uint Jpegs;
        public uint OpticalFlows;
        public ulong MemoryMiB;
    }

    // nvmlGpuInstanceProfileInfo_v2_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeProfile2
    {
        public uint Version;
        public uint Id;
        public uint IsP2pSupported;
        public uint Slices;
        public uint Instances;
        public uint Multiprocessors;
        public uint CopyEngines;
        public uint Decoders;
        public uint Encoders;
        public uint Jpegs;
        public uint OpticalFlows;
        public ulong MemoryMiB;
        public fixed byte Name[TextBytes];
    }

    // nvmlEventData_t
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeEvent
    {
        public nint Device;
        public ulong Type;
        public ulong Data;
        public uint GpuInstance;
        public uint ComputeInstance;
    }
}
