namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>What a call of NVML returned (nvmlReturn_t). Values without a name may occur.</summary>
internal enum NvmlReturn
{
    Success = 0,
    Uninitialized = 1,
    InvalidArgument = 2,
    NotSupported = 3,
    NoPermission = 4,
    NotFound = 6,
    InsufficientSize = 7,
    InsufficientPower = 8,
    DriverNotLoaded = 9,
    Timeout = 10,
    IrqIssue = 11,
    LibraryNotFound = 12,

    /// <summary>Also what we say for a symbol that the library does not have.</summary>
    FunctionNotFound = 13,
    CorruptedInfoRom = 14,
    GpuIsLost = 15,
    ResetRequired = 16,
    LibRmVersionMismatch = 18,
    ArgumentVersionMismatch = 25,
    NotReady = 27,
    GpuNotFound = 28,
    Unknown = 999,
}
