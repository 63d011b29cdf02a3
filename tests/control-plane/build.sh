#!/usr/bin/env bash
# Builds a real Kubernetes control plane for the end-to-end tests from Debian packages alone:
# etcd, kube-apiserver and kube-scheduler, without a container engine and without a download
# from anywhere but the package mirrors this machine already uses.
#
#   usage: tests/control-plane/build.sh          prints the folder with the binaries
#
# The folder is ${GPU_SCHEDULER_CACHE:-${XDG_CACHE_HOME:-~/.cache}/gpu-scheduler}/control-plane/<version>-<script hash>
# and holds
#   etcd                         Debian's
#   kube-apiserver               stock, but for a vendored library that current Go cannot run (see below)
#   kube-scheduler               stock
#   kube-scheduler-preemptfix    with the upstream fixes #103019 (extenders are asked about preemption)
#                                and #101560 (no panic when a preemption candidate has no victim)
# The first run takes some minutes and about 3 GB of scratch space beside that folder; every later
# one only prints the path. Progress goes to stderr, the path is the only line on stdout.
#
# With KUBEBUILDER_ASSETS (the envtest convention) naming a folder that holds etcd, kube-apiserver
# and kube-scheduler, that folder is printed and nothing is built: so a newer Kubernetes is tested.
set -euo pipefail

readonly version=1.20.2
# The Go of Debian 12. Named exactly, so that neither another toolchain on PATH nor a newer default decides.
readonly go_series=1.19
readonly binaries=(etcd kube-apiserver kube-scheduler)
readonly patched_scheduler=kube-scheduler-preemptfix

say() { printf 'control-plane: %s\n' "$*" >&2; }
die() { printf 'control-plane: error: %s\n' "$*" >&2; exit 1; }

complete() { # FOLDER NAME...
  local folder=$1 name
  shift
  for name in "$@"; do
    [[ -f $folder/$name && -x $folder/$name ]] || return 1
  done
}

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  if complete "$KUBEBUILDER_ASSETS" "${binaries[@]}"; then
    realpath -- "$KUBEBUILDER_ASSETS"
    exit 0
  fi
  say "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks one of: ${binaries[*]} (envtest ships no kube-scheduler); building instead"
fi

cache=${GPU_SCHEDULER_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set: set GPU_SCHEDULER_CACHE}/.cache}/gpu-scheduler}
mkdir -p -- "$cache/control-plane"
root=$(realpath -- "$cache/control-plane")
script=$(realpath -- "${BASH_SOURCE[0]}")
hash=$(sha256sum < "$script" | cut -c1-12)
target=$root/$version-$hash

if complete "$target" "${binaries[@]}" "$patched_scheduler"; then
  echo "$target"
  exit 0
fi

# Two test runs may start at once: the second waits and then finds the first one's work.
command -v flock > /dev/null || die 'flock is missing: install util-linux'
exec 9> "$root/.lock"
flock --nonblock 9 || { say 'another build is running, waiting for it'; flock 9; }
if complete "$target" "${binaries[@]}" "$patched_scheduler"; then
  echo "$target"
  exit 0
fi

[[ -r /etc/debian_version ]] && command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
  die "this machine has no Debian packages; set KUBEBUILDER_ASSETS to a folder with ${binaries[*]}"

# On the cache's file system, so that the last step is a rename. A build that was killed cannot
# tidy up after itself; under the lock whatever lies here is nobody's.
rm -rf -- "$root"/.build-*
work=$(mktemp -d -- "$root/.build-XXXXXX")
trap 'chmod -R u+w -- "$work" 2> /dev/null || true; rm -rf -- "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- apt ------------------------------------------------------------------------------------------
# The machine's own entries, once more with source packages, in a configuration of our own: the
# system's package lists are left as they are, and reading them takes no privileges.
mkdir -p "$work"/apt/{sources,lists/partial,cache/archives/partial}
shopt -s nullglob
for file in /etc/apt/sources.list.d/*.sources; do
  sed -E 's/^Types:.*/Types: deb deb-src/' "$file" > "$work/apt/sources/$(basename "$file")"
done
# Both of an entry's lines once each: apt warns about every repetition.
sed -nE 's/^[[:space:]]*deb(-src)?([[:space:]].*)$/deb\2\ndeb-src\2/p' \
  /dev/null /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2> /dev/null |
  sort -u > "$work/apt/sources/one-line.list" || true
shopt -u nullglob

apt=(
  -q
  -o Dir::Etc::SourceList=/dev/null
  -o "Dir::Etc::SourceParts=$work/apt/sources"
  -o "Dir::State::Lists=$work/apt/lists"
  -o "Dir::Cache=$work/apt/cache"
  -o Acquire::Retries=3
  -o Acquire::Languages=none
  -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false # software centres' pictures
)
# apt's download user may not look into our folder.
if [[ $EUID -eq 0 ]]; then apt+=(-o APT::Sandbox::User=root); fi

say 'reading the package lists'
# A third party's repository may have no sources or be out of reach; what matters is whether our
# packages are found, which the next steps say.
apt-get "${apt[@]}" update >&2 || say 'not every package list could be read, going on'

if ! command -v dpkg-source > /dev/null; then
  [[ $EUID -eq 0 ]] || die 'dpkg-source is missing and only root can install it: apt-get install dpkg-dev'
  say 'installing dpkg-dev'
  DEBIAN_FRONTEND=noninteractive apt-get "${apt[@]}" install --yes --no-install-recommends dpkg-dev >&2 ||
    die 'could not install the package dpkg-dev'
fi

# Unpacked, not installed: it takes no privileges, and Debian's etcd-server would start a daemon.
packages=("golang-$go_series-go" "golang-$go_series-src" etcd-server golang-github-modern-go-reflect2-dev)
say "downloading ${packages[*]}"
mkdir "$work/debs" "$work/debian"
(cd "$work/debs" && apt-get "${apt[@]}" download "${packages[@]}" >&2) ||
  die "could not download ${packages[*]}: are the mirrors of Debian 12 (bookworm) configured and reachable?"
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/debian"; done

source_version=$(apt-cache "${apt[@]}" showsrc kubernetes 2> /dev/null |
  sed -nE "s/^Version: ((.*\+really)?${version//./\\.}([+~-].*)?)$/\1/p" | sort -V | tail -n 1)
[[ -n $source_version ]] || die "the configured mirrors have no source package kubernetes $version (Debian 12 has it)"
say "downloading the source of kubernetes $source_version"
mkdir "$work/source"
(cd "$work/source" && apt-get "${apt[@]}" source --download-only "kubernetes=$source_version" >&2) ||
  die "could not download the source package kubernetes $source_version"

# --- source tree ----------------------------------------------------------------------------------
# Module mode stops at "updates to go.mod needed"; the tree builds where GOPATH mode expects it.
export GO111MODULE=off CGO_ENABLED=0 GOFLAGS= GOTOOLCHAIN=local GOENV=off
export GOROOT=$work/debian/usr/lib/go-$go_series GOPATH=$work/gopath GOCACHE=$work/go-cache GOTMPDIR=$work/go-tmp
readonly go=$GOROOT/bin/go
tree=$GOPATH/src/k8s.io/kubernetes
mkdir -p "$GOTMPDIR" "$(dirname "$tree")"
# apt has verified the files' hashes against the signed list; the maintainer's key need not be here.
dpkg-source --no-check -x "$work"/source/kubernetes_*.dsc "$tree" >&2
cd "$tree"

# The vendored reflect2 1.0.1 hands the runtime a map iterator of the wrong size on Go >= 1.18:
# the API server dies with SIGSEGV as soon as a CustomResourceDefinition is created.
rm -rf vendor/github.com/modern-go/reflect2
cp -R "$work/debian/usr/share/gocode/src/github.com/modern-go/reflect2" vendor/github.com/modern-go/reflect2
find vendor/github.com/modern-go/reflect2 -name '*_test.go' -delete

# --- the one generated package --------------------------------------------------------------------
# `make generated_files` would regenerate for many minutes what the tree ships already.
say 'generating the OpenAPI definitions'
"$go" build -o "$work/openapi-gen" k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen >&2
inputs=$(
  {
    echo k8s.io/kubernetes/vendor/k8s.io/apimachinery/pkg/runtime
    grep -rl --include='*.go' -F '+k8s:openapi-gen=' staging/src/k8s.io pkg |
      grep -vE '/(samples?|examples?|testdata)/|/sample-|_test\.go$' |
      xargs -n 1 dirname |
      sed -E 's#^staging/src/#k8s.io/kubernetes/vendor/#; s#^pkg/#k8s.io/kubernetes/pkg/#'
  } | sort -u | paste -sd, -
)
"$work/openapi-gen" \
  --go-header-file vendor/k8s.io/code-generator/hack/boilerplate.go.txt \
  --input-dirs "$inputs" \
  --output-base "$GOPATH/src" \
  --output-package k8s.io/kubernetes/pkg/generated/openapi \
  --output-file-base zz_generated.openapi \
  --report-filename "$work/api-violations.report" >&2

# --- build ----------------------------------------------------------------------------------------
mkdir "$work/out"
build() { # COMMAND OUTPUT VERSION
  local flags='-s -w' package
  # Unset, --version says v0.0.0-master, and nobody can tell which configuration the binary reads.
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    package=k8s.io/kubernetes/vendor/$package
    flags+=" -X $package.gitVersion=$3 -X $package.gitMajor=1 -X $package.gitMinor=20 -X $package.gitTreeState=clean"
  done
  say "building $2 (minutes, the first time)"
  # Without the cloud providers' and Docker's code: 250 packages that no test needs.
  "$go" build -trimpath -tags providerless,dockerless -ldflags "$flags" -o "$work/out/$2" "k8s.io/kubernetes/cmd/$1" >&2
}
build kube-apiserver kube-apiserver "v$version"
build kube-scheduler kube-scheduler "v$version"

patch --quiet --strip=1 --fuzz=0 >&2 <<'DIFF'
--- a/pkg/scheduler/factory.go
+++ b/pkg/scheduler/factory.go
@@ -139,4 +139,5 @@
 		frameworkruntime.WithRunAllFilters(c.alwaysCheckAllPredicates),
 		frameworkruntime.WithPodNominator(nominator),
+		frameworkruntime.WithExtenders(extenders),
 		frameworkruntime.WithCaptureProfile(frameworkruntime.CaptureProfile(c.frameworkCapturer)),
 	)
--- a/pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go
+++ b/pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go
@@ -320,3 +320,3 @@
 		pods, numPDBViolations, fits := selectVictimsOnNode(ctx, fh, stateCopy, pod, nodeInfoCopy, pdbs)
-		if fits {
+		if fits && len(pods) > 0 {
 			victims := extenderv1.Victims{
DIFF
build kube-scheduler "$patched_scheduler" "v$version+preemptfix"

cp "$work/debian/usr/bin/etcd" "$work/out/etcd"
complete "$work/out" "${binaries[@]}" "$patched_scheduler" || die 'the build left a binary out'
chmod 755 "$work/out"
rm -rf -- "$target"
mv -T -- "$work/out" "$target"
say 'done'
echo "$target"
