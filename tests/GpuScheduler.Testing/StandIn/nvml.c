/*
 * A stand-in for libnvidia-ml.so: answers from a scenario, so that any machine and any fault can be played without a GPU.
 *
 * The scenario is the file named by NVML_STANDIN_SCENARIO, or else "<path of this library>.scenario". It is read again when it has
 * changed, at nvmlDeviceGetCount and while events are waited for: so devices vanish and MIG is cut under the hands of the caller.
 * A line is a word and its values; lines that begin with '#' are comments. Numbers are decimal unless said otherwise.
 *
 *   driver TEXT                               version of the driver
 *   init CODE                                 what nvmlInit returns
 *   device I BUS HEXID NAME...                a GPU; HEXID is PCI device and vendor
 *   uuid I TEXT                               "-" for none
 *   memory I TOTAL USED FREE                  bytes
 *   numa I HEXMASK                            NUMA nodes near it
 *   capability I MAJOR MINOR
 *   ecc I ENABLED ERRORS
 *   remap I PENDING FAILED
 *   mig I CURRENT PENDING
 *   fabric I HEXUUID CLIQUE STATE STATUS
 *   link I LINK ACTIVE TYPE BUS HEXID         an NVLink; TYPE as nvmlIntNvLinkDeviceType_t, BUS "-" when not known
 *   speed I MBPS                              of a link; 0 for not supported
 *   linkversion I VERSION
 *   level A B LEVEL                           nvmlGpuTopologyLevel_t
 *   p2p A B STATUS                            nvmlGpuP2PStatus_t for NVLink
 *   profile NUMBER ID SLICES MIB NAME...      a profile of GPU instances; NAME "-" for none
 *   instance I ID PROFILEID START SIZE        a GPU instance
 *   migdevice I SLOT INSTANCE UUID GISLICES CISLICES MIB NAME...
 *   xid I XID                                 an event; every further line is one more
 *   fail SYMBOL I CODE TIMES                  SYMBOL fails for GPU I (-1: any), so often (0: always)
 *
 * Symbols that a driver lacks are left out at link time by a version script. Written from the public NVML API reference.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, UNSUPPORTED = 3, NOT_FOUND = 6, TIMEOUT = 10, VERSION = 25 };
enum { MOST_DEVICES = 72, MOST_LINKS = 18, MOST_MIG = 7, MOST_PROFILES = 20, MOST_FAILS = 64, MOST_XIDS = 256 };

typedef unsigned int uint;
typedef unsigned long long ull;

typedef struct { char legacy[16]; uint domain, bus, device, id, subsystem; char busId[32]; } Pci;
typedef struct { uint slot, instance, giSlices, ciSlices; ull mib; char uuid[96], name[96]; int used, owner; } MigDevice;
typedef struct { uint id, profile, start, size; int used, owner; } Instance;
typedef struct { int there, active; uint type; Pci remote; int remoteKnown; } Link;
typedef struct {
  int there;
  Pci pci;
  char name[96], uuid[96];
  ull total, used, free, eccErrors, numa;
  int hasMemory, hasNuma, hasEcc, hasRemap, hasMig, hasFabric, hasCapability;
  uint eccOn, remapPending, remapFailed, migNow, migNext, major, minor, speed, linkVersion;
  unsigned char cluster[16];
  uint clique, state;
  int status;
  Link links[MOST_LINKS];
  Instance instances[MOST_MIG];
  MigDevice migDevices[MOST_MIG];
} Device;
typedef struct { int there; uint id, slices; ull mib; char name[96]; } Profile;
typedef struct { char symbol[64]; int device, code, times, done; } Fail;

static struct {
  char driver[80];
  int init, count, xids, fails;
  Device devices[MOST_DEVICES];
  unsigned char levels[MOST_DEVICES][MOST_DEVICES], p2p[MOST_DEVICES][MOST_DEVICES];
  Profile profiles[MOST_PROFILES];
  Fail failures[MOST_FAILS];
  struct { int device; uint xid; } events[MOST_XIDS];
} s;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct timespec readAt;
static off_t readSize;
static int sessions, delivered, registered;

static const char *path(void) {
  static char text[4096];
  const char *set = getenv("NVML_STANDIN_SCENARIO");
  Dl_info info;
  if (set) return set;
  if (!text[0] && dladdr((void *)path, &info)) snprintf(text, sizeof text, "%s.scenario", info.dli_fname);
  return text;
}

static void parsePci(Pci *pci, const char *bus, uint id) {
  uint function = 0;
  memset(pci, 0, sizeof *pci);
  sscanf(bus, "%x:%x:%x.%x", &pci->domain, &pci->bus, &pci->device, &function);
  pci->id = id;
  snprintf(pci->legacy, sizeof pci->legacy, "%04X:%02X:%02X.%X", pci->domain & 0xffff, pci->bus & 0xff, pci->device & 0xff, function & 0xf);
  snprintf(pci->busId, sizeof pci->busId, "%08X:%02X:%02X.%X", pci->domain, pci->bus, pci->device, function);
}

static void line(char *text) {
  char word[32] = "", a[128] = "", b[128] = "", rest[96] = "";
  int i = 0, j = 0, n = 0;
  uint id = 0;
  text[strcspn(text, "\r\n")] = 0;
  if (sscanf(text, "%31s %n", word, &n) < 1 || word[0] == '#') return;
  text += n;
  if (!strcmp(word, "driver")) { snprintf(s.driver, sizeof s.driver, "%s", text); return; }
  if (!strcmp(word, "init")) { s.init = atoi(text); return; }
  if (!strcmp(word, "fail")) {
    Fail *f = &s.failures[s.fails];
    if (s.fails < MOST_FAILS && sscanf(text, "%63s %d %d %d", f->symbol, &f->device, &f->code, &f->times) == 4) { f->done = 0; s.fails++; }
    return;
  }
  if (!strcmp(word, "profile")) {
    uint number, slices; ull mib;
    if (sscanf(text, "%u %u %u %llu %95[^\n]", &number, &id, &slices, &mib, rest) == 5 && number < MOST_PROFILES) {
      Profile *p = &s.profiles[number];
      p->there = 1; p->id = id; p->slices = slices; p->mib = mib;
      snprintf(p->name, sizeof p->name, "%s", rest[0] == '-' ? "" : rest);
    }
    return;
  }
  if (!strcmp(word, "level") || !strcmp(word, "p2p")) {
    if (sscanf(text, "%d %d %u", &i, &j, &id) == 3 && i >= 0 && j >= 0 && i < MOST_DEVICES && j < MOST_DEVICES) {
      if (word[0] == 'l') s.levels[i][j] = s.levels[j][i] = (unsigned char)(id + 1);
      else s.p2p[i][j] = s.p2p[j][i] = (unsigned char)(id + 1);
    }
    return;
  }
  if (sscanf(text, "%d %n", &i, &n) < 1 || i < 0 || i >= MOST_DEVICES) return;
  text += n;
  Device *d = &s.devices[i];
  if (!strcmp(word, "device")) {
    if (sscanf(text, "%127s %x %95[^\n]", a, &id, rest) >= 2) {
      d->there = 1;
      parsePci(&d->pci, a, id);
      snprintf(d->name, sizeof d->name, "%s", rest);
      if (i >= s.count) s.count = i + 1;
    }
  } else if (!strcmp(word, "uuid")) { snprintf(d->uuid, sizeof d->uuid, "%s", text[0] == '-' ? "" : text); }
  else if (!strcmp(word, "memory")) { d->hasMemory = sscanf(text, "%llu %llu %llu", &d->total, &d->used, &d->free) == 3; }
  else if (!strcmp(word, "numa")) { d->hasNuma = sscanf(text, "%llx", &d->numa) == 1; }
  else if (!strcmp(word, "capability")) { d->hasCapability = sscanf(text, "%u %u", &d->major, &d->minor) == 2; }
  else if (!strcmp(word, "ecc")) { d->hasEcc = sscanf(text, "%u %llu", &d->eccOn, &d->eccErrors) == 2; }
  else if (!strcmp(word, "remap")) { d->hasRemap = sscanf(text, "%u %u", &d->remapPending, &d->remapFailed) == 2; }
  else if (!strcmp(word, "mig")) { d->hasMig = sscanf(text, "%u %u", &d->migNow, &d->migNext) == 2; }
  else if (!strcmp(word, "speed")) { d->speed = (uint)atoi(text); }
  else if (!strcmp(word, "linkversion")) { d->linkVersion = (uint)atoi(text); }
  else if (!strcmp(word, "fabric")) {
    if (sscanf(text, "%32s %u %u %d", a, &d->clique, &d->state, &d->status) == 4) {
      d->hasFabric = 1;
      for (j = 0; j < 16; j++) { uint byte = 0; sscanf(a + 2 * j, "%2x", &byte); d->cluster[j] = (unsigned char)byte; }
    }
  } else if (!strcmp(word, "link")) {
    int number, active; uint type;
    if (sscanf(text, "%d %d %u %127s %x", &number, &active, &type, b, &id) == 5 && number >= 0 && number < MOST_LINKS) {
      Link *l = &d->links[number];
      l->there = 1; l->active = active; l->type = type; l->remoteKnown = b[0] != '-';
      if (l->remoteKnown) parsePci(&l->remote, b, id);
    }
  } else if (!strcmp(word, "instance")) {
    for (j = 0; j < MOST_MIG && d->instances[j].used; j++) { }
    Instance *g = &d->instances[j];
    if (j < MOST_MIG && sscanf(text, "%u %u %u %u", &g->id, &g->profile, &g->start, &g->size) == 4) { g->used = 1; g->owner = i; }
  } else if (!strcmp(word, "migdevice")) {
    MigDevice m;
    memset(&m, 0, sizeof m);
    if (sscanf(text, "%u %u %95s %u %u %llu %95[^\n]", &m.slot, &m.instance, m.uuid, &m.giSlices, &m.ciSlices, &m.mib, m.name) >= 6 && m.slot < MOST_MIG) {
      m.used = 1; m.owner = i;
      d->migDevices[m.slot] = m;
    }
  } else if (!strcmp(word, "xid")) {
    if (s.xids < MOST_XIDS) { s.events[s.xids].device = i; s.events[s.xids].xid = (uint)atoi(text); s.xids++; }
  }
}

static void refresh(void) {
  struct stat st;
  if (stat(path(), &st) || (st.st_mtim.tv_sec == readAt.tv_sec && st.st_mtim.tv_nsec == readAt.tv_nsec && st.st_size == readSize)) return;
  FILE *file = fopen(path(), "r");
  if (!file) return;
  char text[512];
  memset(&s, 0, sizeof s);
  while (fgets(text, sizeof text, file)) line(text);
  fclose(file);
  readAt = st.st_mtim;
  readSize = st.st_size;
}

/* Handles are addresses in the scenario: they stay the same from reading to reading. */
static Device *known(void *handle) {
  Device *d = handle;
  return d >= s.devices && d < s.devices + MOST_DEVICES ? d : NULL;
}

static int failing(const char *symbol, int device) {
  for (int i = 0; i < s.fails; i++) {
    Fail *f = &s.failures[i];
    if (!strcmp(f->symbol, symbol) && (f->device < 0 || f->device == device) && (f->times == 0 || f->done < f->times)) { f->done++; return f->code; }
  }
  return OK;
}

static int begin(const char *symbol, void *handle, Device **device) {
  *device = known(handle);
  if (!sessions) return UNINITIALIZED;
  if (!*device) return INVALID;
  if (!(*device)->there) return 15;
  return failing(symbol, (int)(*device - s.devices));
}

#define ENTER(handle)                                       \
  pthread_mutex_lock(&gate);                                \
  Device *d;                                                \
  int code = begin(__func__, handle, &d);
#define LEAVE                                               \
  pthread_mutex_unlock(&gate);                              \
  return code;

static int text(char *to, uint length, const char *from) {
  if (strlen(from) >= length) return 7;
  strcpy(to, from);
  return OK;
}

int nvmlInit_v2(void) {
  pthread_mutex_lock(&gate);
  refresh();
  int code = s.init;
  if (code == OK) sessions++;
  pthread_mutex_unlock(&gate);
  return code;
}
int nvmlInit(void) { return nvmlInit_v2(); }
int nvmlShutdown(void) { pthread_mutex_lock(&gate); if (sessions) sessions--; pthread_mutex_unlock(&gate); return OK; }
const char *nvmlErrorString(int code) { return code == 9 ? "Driver Not Loaded" : code == 18 ? "Driver/library version mismatch" : "An Error"; }
int nvmlSystemGetDriverVersion(char *to, uint length) { return text(to, length, s.driver); }

int nvmlDeviceGetCount_v2(uint *count) {
  pthread_mutex_lock(&gate);
  refresh();
  int code = !sessions ? UNINITIALIZED : s.init != OK ? s.init : failing(__func__, -1);
  *count = (uint)s.count;
  pthread_mutex_unlock(&gate);
  return code;
}
int nvmlDeviceGetCount(uint *count) { return nvmlDeviceGetCount_v2(count); }

int nvmlDeviceGetHandleByIndex_v2(uint index, void **device) {
  pthread_mutex_lock(&gate);
  int code = !sessions ? UNINITIALIZED : index >= (uint)s.count ? INVALID : failing(__func__, (int)index);
  if (code == OK && !s.devices[index].there) code = 15;
  if (code == OK) *device = &s.devices[index];
  pthread_mutex_unlock(&gate);
  return code;
}
int nvmlDeviceGetHandleByIndex(uint index, void **device) { return nvmlDeviceGetHandleByIndex_v2(index, device); }

static MigDevice *mig(void *handle) {
  for (int i = 0; i < MOST_DEVICES; i++)
    for (int j = 0; j < MOST_MIG; j++)
      if (handle == &s.devices[i].migDevices[j]) return handle;
  return NULL;
}

int nvmlDeviceGetUUID(void *handle, char *to, uint length) {
  MigDevice *m = mig(handle);
  if (m) return m->used ? text(to, length, m->uuid) : NOT_FOUND;
  ENTER(handle) if (code == OK) code = d->uuid[0] ? text(to, length, d->uuid) : 999;
  LEAVE
}
int nvmlDeviceGetName(void *handle, char *to, uint length) {
  MigDevice *m = mig(handle);
  if (m) return m->used ? text(to, length, m->name) : NOT_FOUND;
  ENTER(handle) if (code == OK) code = text(to, length, d->name);
  LEAVE
}
int nvmlDeviceGetPciInfo_v3(void *handle, Pci *pci) { ENTER(handle) if (code == OK) *pci = d->pci; LEAVE }
int nvmlDeviceGetPciInfo_v2(void *handle, Pci *pci) { ENTER(handle) if (code == OK) memcpy(pci, &d->pci, 36); LEAVE }

typedef struct { uint version; ull total, reserved, free, used; } Memory2;
int nvmlDeviceGetMemoryInfo_v2(void *handle, Memory2 *m) {
  ENTER(handle)
  if (code == OK && m->version != (sizeof *m | 2u << 24)) code = VERSION;
  if (code == OK && !d->hasMemory) code = UNSUPPORTED;
  if (code == OK) { m->total = d->total; m->used = d->used; m->free = d->free; m->reserved = d->total - d->used - d->free; }
  LEAVE
}
typedef struct { ull total, free, used; } Memory1;
int nvmlDeviceGetMemoryInfo(void *handle, Memory1 *m) {
  ENTER(handle)
  if (code == OK && !d->hasMemory) code = UNSUPPORTED;
  if (code == OK) { m->total = d->total; m->used = d->used; m->free = d->free; }
  LEAVE
}
int nvmlDeviceGetMemoryAffinity(void *handle, uint words, unsigned long *set, uint scope) {
  ENTER(handle)
  (void)scope;
  if (code == OK && !d->hasNuma) code = UNSUPPORTED;
  if (code == OK) { memset(set, 0, words * sizeof *set); set[0] = d->numa; }
  LEAVE
}
int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) {
  ENTER(handle) if (code == OK && !d->hasCapability) code = UNSUPPORTED;
  if (code == OK) { *major = (int)d->major; *minor = (int)d->minor; } LEAVE
}
int nvmlDeviceGetEccMode(void *handle, uint *now, uint *next) {
  ENTER(handle) if (code == OK && !d->hasEcc) code = UNSUPPORTED;
  if (code == OK) *now = *next = d->eccOn;
  LEAVE
}
int nvmlDeviceGetTotalEccErrors(void *handle, uint type, uint counter, ull *count) {
  ENTER(handle) if (code == OK && (!d->hasEcc || type != 1 || counter != 0)) code = UNSUPPORTED;
  if (code == OK) *count = d->eccErrors;
  LEAVE
}
int nvmlDeviceGetRemappedRows(void *handle, uint *corrected, uint *uncorrected, uint *pending, uint *failed) {
  ENTER(handle) if (code == OK && !d->hasRemap) code = UNSUPPORTED;
  if (code == OK) { *corrected = *uncorrected = 0; *pending = d->remapPending; *failed = d->remapFailed; } LEAVE
}
int nvmlDeviceGetTopologyCommonAncestor(void *handle, void *other, uint *level) {
  ENTER(handle)
  Device *o = known(other);
  if (code == OK && !o) code = INVALID;
  if (code == OK && !s.levels[d - s.devices][o - s.devices]) code = UNSUPPORTED;
  if (code == OK) *level = s.levels[d - s.devices][o - s.devices] - 1u;
  LEAVE
}
int nvmlDeviceGetP2PStatus(void *handle, void *other, uint what, uint *status) {
  ENTER(handle)
  Device *o = known(other);
  if (code == OK && (!o || what != 2)) code = INVALID;
  if (code == OK && !s.p2p[d - s.devices][o - s.devices]) code = UNSUPPORTED;
  if (code == OK) *status = s.p2p[d - s.devices][o - s.devices] - 1u;
  LEAVE
}
int nvmlDeviceGetNvLinkState(void *handle, uint link, uint *active) {
  ENTER(handle)
  if (code == OK && link >= MOST_LINKS) code = INVALID;
  if (code == OK && !d->links[link].there) code = UNSUPPORTED;
  if (code == OK) *active = (uint)d->links[link].active;
  LEAVE
}
int nvmlDeviceGetNvLinkRemoteDeviceType(void *handle, uint link, uint *type) {
  ENTER(handle)
  if (code == OK && (link >= MOST_LINKS || !d->links[link].there)) code = UNSUPPORTED;
  if (code == OK) *type = d->links[link].type;
  LEAVE
}
int nvmlDeviceGetNvLinkRemotePciInfo_v2(void *handle, uint link, Pci *pci) {
  ENTER(handle)
  if (code == OK && (link >= MOST_LINKS || !d->links[link].remoteKnown)) code = UNSUPPORTED;
  if (code == OK) *pci = d->links[link].remote;
  LEAVE
}
int nvmlDeviceGetNvLinkRemotePciInfo(void *handle, uint link, Pci *pci) {
  ENTER(handle)
  if (code == OK && (link >= MOST_LINKS || !d->links[link].remoteKnown)) code = UNSUPPORTED;
  if (code == OK) memcpy(pci, &d->links[link].remote, 36);
  LEAVE
}
int nvmlDeviceGetNvLinkVersion(void *handle, uint link, uint *version) {
  ENTER(handle)
  if (code == OK && (link >= MOST_LINKS || !d->linkVersion)) code = UNSUPPORTED;
  if (code == OK) *version = d->linkVersion;
  LEAVE
}
typedef struct { uint field, scope; long long timestamp, latency; uint type; int code; union { uint ui; ull ull; } value; } Field;
int nvmlDeviceGetFieldValues(void *handle, int count, Field *fields) {
  ENTER(handle)
  for (int i = 0; code == OK && i < count; i++) {
    fields[i].code = UNSUPPORTED;
    if ((fields[i].field == 90 || fields[i].field == 164) && d->speed) { fields[i].code = OK; fields[i].type = 1; fields[i].value.ui = d->speed; }
  }
  LEAVE
}
typedef struct { uint version; unsigned char cluster[16]; int status; uint clique; unsigned char state; uint health; } Fabric2;
int nvmlDeviceGetGpuFabricInfoV(void *handle, Fabric2 *f) {
  ENTER(handle)
  if (code == OK && f->version != (sizeof *f | 2u << 24)) code = VERSION;
  if (code == OK && !d->hasFabric) code = UNSUPPORTED;
  if (code == OK) { memcpy(f->cluster, d->cluster, 16); f->status = d->status; f->clique = d->clique; f->state = (unsigned char)d->state; f->health = 0; }
  LEAVE
}
typedef struct { unsigned char cluster[16]; int status; uint clique; unsigned char state; } Fabric1;
int nvmlDeviceGetGpuFabricInfo(void *handle, Fabric1 *f) {
  ENTER(handle)
  if (code == OK && !d->hasFabric) code = UNSUPPORTED;
  if (code == OK) { memcpy(f->cluster, d->cluster, 16); f->status = d->status; f->clique = d->clique; f->state = (unsigned char)d->state; }
  LEAVE
}
int nvmlDeviceGetMigMode(void *handle, uint *now, uint *next) {
  ENTER(handle) if (code == OK && !d->hasMig) code = UNSUPPORTED;
  if (code == OK) { *now = d->migNow; *next = d->migNext; } LEAVE
}
int nvmlDeviceGetMaxMigDeviceCount(void *handle, uint *count) { ENTER(handle) if (code == OK) *count = d->migNow ? MOST_MIG : 0; LEAVE }
int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, uint index, void **device) {
  ENTER(handle)
  if (code == OK && (index >= MOST_MIG || !d->migDevices[index].used)) code = NOT_FOUND;
  if (code == OK) *device = &d->migDevices[index];
  LEAVE
}
int nvmlDeviceGetGpuInstanceId(void *handle, uint *id) {
  MigDevice *m = mig(handle);
  if (!m) return INVALID;
  pthread_mutex_lock(&gate);
  int code = failing(__func__, m->owner);
  *id = m->instance;
  pthread_mutex_unlock(&gate);
  return code;
}
typedef struct { uint sms, copies, decoders, encoders, jpegs, ofas, giSlices, ciSlices; ull mib; } Attributes;
int nvmlDeviceGetAttributes_v2(void *handle, Attributes *a) {
  MigDevice *m = mig(handle);
  if (!m) return INVALID;
  memset(a, 0, sizeof *a);
  a->giSlices = m->giSlices; a->ciSlices = m->ciSlices; a->mib = m->mib;
  return OK;
}
int nvmlDeviceGetGpuInstanceById(void *handle, uint id, void **instance) {
  ENTER(handle)
  if (code == OK) {
    code = NOT_FOUND;
    for (int i = 0; i < MOST_MIG; i++)
      if (d->instances[i].used && d->instances[i].id == id) { *instance = &d->instances[i]; code = OK; }
  }
  LEAVE
}
typedef struct { void *device; uint id, profile, start, size; } InstanceInfo;
int nvmlGpuInstanceGetInfo(void *handle, InstanceInfo *info) {
  Instance *g = handle;
  if (!g->used) return NOT_FOUND;
  info->device = &s.devices[g->owner]; info->id = g->id; info->profile = g->profile; info->start = g->start; info->size = g->size;
  return OK;
}
int nvmlDeviceGetGpuInstances(void *handle, uint profile, void **instances, uint *count) {
  ENTER(handle)
  *count = 0;
  for (int i = 0; code == OK && i < MOST_MIG; i++)
    if (d->instances[i].used && d->instances[i].profile == profile) instances[(*count)++] = &d->instances[i];
  LEAVE
}
typedef struct { uint id, p2p, slices, instances, sms, copies, decoders, encoders, jpegs, ofas; ull mib; } ProfileInfo;
int nvmlDeviceGetGpuInstanceProfileInfo(void *handle, uint number, ProfileInfo *info) {
  ENTER(handle)
  if (code == OK && number >= MOST_PROFILES) code = INVALID;
  if (code == OK && !s.profiles[number].there) code = UNSUPPORTED;
  if (code == OK) { memset(info, 0, sizeof *info); info->id = s.profiles[number].id; info->slices = s.profiles[number].slices; info->mib = s.profiles[number].mib; }
  LEAVE
}
typedef struct { uint version, id, p2p, slices, instances, sms, copies, decoders, encoders, jpegs, ofas; ull mib; char name[96]; } ProfileInfo2;
int nvmlDeviceGetGpuInstanceProfileInfoV(void *handle, uint number, ProfileInfo2 *info) {
  ENTER(handle)
  if (code == OK && info->version != (sizeof *info | 2u << 24)) code = VERSION;
  if (code == OK && number >= MOST_PROFILES) code = INVALID;
  if (code == OK && !s.profiles[number].there) code = UNSUPPORTED;
  if (code == OK) {
    info->id = s.profiles[number].id; info->slices = s.profiles[number].slices; info->mib = s.profiles[number].mib;
    strcpy(info->name, s.profiles[number].name);
  }
  LEAVE
}

int nvmlEventSetCreate(void **set) { *set = &registered; return OK; }
int nvmlEventSetFree(void *set) { (void)set; return OK; }
int nvmlDeviceRegisterEvents(void *handle, ull types, void *set) { (void)types; (void)set; ENTER(handle) if (code == OK) registered++; LEAVE }
typedef struct { void *device; ull type, data; uint gi, ci; } Event;
int nvmlEventSetWait_v2(void *set, Event *event, uint milliseconds) {
  (void)set;
  for (uint waited = 0;; waited += 20) {
    pthread_mutex_lock(&gate);
    refresh();
    if (delivered < s.xids) {
      event->device = &s.devices[s.events[delivered].device];
      event->type = 8;
      event->data = s.events[delivered].xid;
      event->gi = event->ci = ~0u;
      delivered++;
      pthread_mutex_unlock(&gate);
      return OK;
    }
    pthread_mutex_unlock(&gate);
    if (waited >= milliseconds) return TIMEOUT;
    nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
  }
}
int nvmlEventSetWait(void *set, Event *event, uint milliseconds) { return nvmlEventSetWait_v2(set, event, milliseconds); }
