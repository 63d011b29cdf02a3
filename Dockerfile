# Image of the extender.
#
#   docker build -t gpu-scheduler-extender:0.1.0 \
#     --build-arg SDK_IMAGE=MIRROR/dotnet/sdk:10.0.401 --build-arg RUNTIME_IMAGE=MIRROR/dotnet/aspnet:10.0.12 .
#
# The defaults are the names of Microsoft's images without a registry, by exact tag: set both to where you get them, best by digest, which
# is that registry's to say and so not given here. Where no
# container engine is at hand, the same result comes from these commands (.NET SDK 10; ASP.NET Core runtime 10 where it runs):
#
#   dotnet restore extender/GpuScheduler.Extender
#   dotnet publish extender/GpuScheduler.Extender --no-restore -c Release -o OUT
#   OUT/gpu-scheduler-extender --help
ARG SDK_IMAGE=dotnet/sdk:10.0.401
ARG RUNTIME_IMAGE=dotnet/aspnet:10.0.12

FROM ${SDK_IMAGE} AS build
WORKDIR /src
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# Only what decides about packages, so that the layer with them is reused until one of these files changes. A project that the
# extender comes to refer to is to be added here.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY proto/GpuScheduler.Proto/GpuScheduler.Proto.csproj proto/GpuScheduler.Proto/
COPY scheduler/GpuScheduler.Core/GpuScheduler.Core.csproj scheduler/GpuScheduler.Core/
COPY scheduler/GpuScheduler.Kubernetes/GpuScheduler.Kubernetes.csproj scheduler/GpuScheduler.Kubernetes/
COPY scheduler/GpuScheduler.Forecast/GpuScheduler.Forecast.csproj scheduler/GpuScheduler.Forecast/
COPY scheduler/GpuScheduler.Solver/GpuScheduler.Solver.csproj scheduler/GpuScheduler.Solver/
COPY extender/GpuScheduler.Extender/GpuScheduler.Extender.csproj extender/GpuScheduler.Extender/
RUN dotnet restore extender/GpuScheduler.Extender

COPY .editorconfig ./
COPY proto/ proto/
COPY scheduler/ scheduler/
COPY extender/ extender/
RUN dotnet publish extender/GpuScheduler.Extender --no-restore -c Release -o /app

FROM ${RUNTIME_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gpu-scheduler-extender" \
      org.opencontainers.image.description="Scheduler extender for Kubernetes that places pods on GPUs" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY --from=build /app ./
# A number, because runAsNonRoot cannot tell whether a name is root.
USER 10001:10001
# 8443: extender verbs and gRPC (TLS). 8080: health and metrics.
EXPOSE 8443 8080
ENTRYPOINT ["/app/gpu-scheduler-extender"]
