/* Let one operation on files fail as a disk would: loaded by LD_PRELOAD, told by a shared plan.
 *
 * An operation counts when its path lies below one of the plan's places. Every one that counts gets
 * the next number, and number `at` fails. All else goes on by a jump, so that whoever looks at
 * return addresses finds its real caller. injector.py holds the other side of `struct plan`.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define DESCRIPTORS 4096
#define KINDS 8192
enum { NEVER, ONCE, SHORT, FULL, GONE }; /* one call, half a write, no room from now on, no disk */
enum { READS = 1, NEEDS_ROOM = 2, WRITES = 4 };

struct plan {
    uint64_t at, how, error, count, failed; /* `failed`: how many did */
    int64_t pid;                            /* of the first process that was started with this */
    uint64_t others, writes_only;           /* whether it is the others that suffer */
    char places[4096];                      /* each ends in NUL, an empty one ends them */
    char last[256];                         /* what failed first */
    unsigned char kinds[KINDS];             /* of each operation that counted */
};

static struct plan *plan;
static unsigned char known[DESCRIPTORS]; /* those that count: */
enum { READ = 1, WRITTEN };

static int below(const char *path) {
    for (const char *place = plan->places; *place; place += strlen(place) + 1)
        if (!strncmp(path, place, strlen(place)))
            return 1;
    return 0;
}

/* Whether this process is one that suffers. */
static int meant(void) {
    return plan && (getpid() != (pid_t)plan->pid) == (plan->others != 0);
}

__attribute__((noinline)) static int counts_at(int directory, const char *path) {
    char full[2 * PATH_MAX], link[64];
    if (!meant() || !path)
        return 0;
    if (*path == '/')
        return below(path);
    if (directory == AT_FDCWD) {
        if (!getcwd(full, PATH_MAX))
            return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t size = readlink(link, full, PATH_MAX - 1);
        if (size < 0)
            return 0;
        full[size] = 0;
    }
    strcat(full, "/");
    strncat(full, path, PATH_MAX - 1);
    return below(full);
}

static int counts(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS && known[descriptor] && meant();
}

/* Tell whether the operation that comes now is to fail; 2: half of it is to be done. */
static int fails(const char *what, const char *path, int kind) {
    if (plan->writes_only && kind & READS)
        return 0;
    uint64_t number = __atomic_add_fetch(&plan->count, 1, __ATOMIC_SEQ_CST);
    int it = 0;
    if (number < KINDS)
        plan->kinds[number] = (unsigned char)kind;
    if (plan->how == ONCE)
        it = number == plan->at;
    else if (plan->how == SHORT)
        it = number == plan->at && kind & WRITES ? 2 : 0;
    else if (plan->how == FULL)
        it = number >= plan->at && kind & NEEDS_ROOM;
    else if (plan->how == GONE)
        it = number >= plan->at;
    if (it && !__atomic_fetch_add(&plan->failed, 1, __ATOMIC_SEQ_CST))
        snprintf(plan->last, sizeof plan->last, "%s %s", what, path ? path : "");
    if (it == 1)
        errno = (int)plan->error;
    return it;
}

__attribute__((noinline)) static int fails_at(int descriptor, const char *what, int kind) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    path[size > 0 ? size : 0] = 0;
    return fails(what, path, kind);
}

static void *next(void **place, const char *name) {
    return *place ? *place : (*place = dlsym(RTLD_NEXT, name));
}
#define REAL(name) ((__typeof__(&name))(uintptr_t)next(&real_##name, #name))
#define FIND(name) static void *real_##name

__attribute__((noinline)) static int opens(const char *what, const char *path, int flags) {
    int kind = flags & (O_CREAT | O_TRUNC) ? NEEDS_ROOM : flags & O_ACCMODE ? 0 : READS;
    return fails(what, path, kind);
}
static int note(int descriptor, int flags) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS)
        known[descriptor] = flags & O_ACCMODE ? WRITTEN : READ;
    return descriptor;
}

/* Declared with the mode that is optional in the headers: a list of arguments can't be jumped with. */
#define OPEN(name)                                                                                 \
    FIND(name);                                                                                    \
    typedef int type_##name(const char *, int, mode_t);                                            \
    type_##name door_##name __asm__(#name);                                                        \
    int door_##name(const char *path, int flags, mode_t mode) {                                    \
        if (counts_at(AT_FDCWD, path))                                                             \
            return opens(#name, path, flags) ? -1 : note(TYPED(name)(path, flags, mode), flags);   \
        return TYPED(name)(path, flags, mode);                                                     \
    }
#define OPENAT(name)                                                                               \
    FIND(name);                                                                                    \
    typedef int type_##name(int, const char *, int, mode_t);                                       \
    type_##name door_##name __asm__(#name);                                                        \
    int door_##name(int at, const char *path, int flags, mode_t mode) {                            \
        if (counts_at(at, path))                                                                   \
            return opens(#name, path, flags) ? -1 : note(TYPED(name)(at, path, flags, mode), flags); \
        return TYPED(name)(at, path, flags, mode);                                                 \
    }
#define TYPED(name) ((type_##name *)(uintptr_t)next(&real_##name, #name))
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

FIND(close);
int close(int descriptor) {
    if (counts(descriptor)) {
        /* As Linux does it: the descriptor is gone, whatever is said. */
        int failed = fails_at(descriptor, "close", known[descriptor] == READ ? READS : 0), error = errno;
        known[descriptor] = 0;
        int result = REAL(close)(descriptor);
        if (failed == 1)
            errno = error, result = -1;
        return result;
    }
    return REAL(close)(descriptor);
}

FIND(dup2);
int dup2(int from, int to) {
    if (from >= 0 && from < DESCRIPTORS && to >= 0 && to < DESCRIPTORS)
        known[to] = known[from];
    return REAL(dup2)(from, to);
}
FIND(dup3);
int dup3(int from, int to, int flags) {
    if (from >= 0 && from < DESCRIPTORS && to >= 0 && to < DESCRIPTORS)
        known[to] = known[from];
    return REAL(dup3)(from, to, flags);
}

#define BY_DESCRIPTOR(type, name, kind, half, parameters, given, given_half)                       \
    FIND(name);                                                                                    \
    type name parameters {                                                                         \
        if (counts(descriptor)) {                                                                  \
            int it = fails_at(descriptor, #name, kind);                                            \
            if (it == 1)                                                                           \
                return (type)-1;                                                                   \
            if (it == 2 && (half))                                                                 \
                return REAL(name) given_half;                                                      \
        }                                                                                          \
        return REAL(name) given;                                                                   \
    }
#define PLAIN(type, name, kind, parameters, given)                                                 \
    BY_DESCRIPTOR(type, name, kind, 0, parameters, given, given)
BY_DESCRIPTOR(ssize_t, write, NEEDS_ROOM | WRITES, size > 1, (int descriptor, const void *data, size_t size),
              (descriptor, data, size), (descriptor, data, size / 2))
/* What only rewrites bytes that are there finds room on a full disk, too. */
static int rewrites(int descriptor, size_t size, off64_t at) {
    struct stat found;
    return !fstat(descriptor, &found) && at + (off64_t)size <= found.st_size ? WRITES : NEEDS_ROOM | WRITES;
}
BY_DESCRIPTOR(ssize_t, pwrite, rewrites(descriptor, size, at), size > 1,
              (int descriptor, const void *data, size_t size, off_t at), (descriptor, data, size, at),
              (descriptor, data, size / 2, at))
BY_DESCRIPTOR(ssize_t, pwrite64, rewrites(descriptor, size, at), size > 1,
              (int descriptor, const void *data, size_t size, off64_t at), (descriptor, data, size, at),
              (descriptor, data, size / 2, at))
PLAIN(ssize_t, read, READS, (int descriptor, void *data, size_t size), (descriptor, data, size))
PLAIN(ssize_t, pread, READS, (int descriptor, void *data, size_t size, off_t at), (descriptor, data, size, at))
PLAIN(ssize_t, pread64, READS, (int descriptor, void *data, size_t size, off64_t at), (descriptor, data, size, at))
PLAIN(int, fsync, 0, (int descriptor), (descriptor))
PLAIN(int, fdatasync, 0, (int descriptor), (descriptor))
PLAIN(int, ftruncate, 0, (int descriptor, off_t size), (descriptor, size))
PLAIN(int, ftruncate64, 0, (int descriptor, off64_t size), (descriptor, size))
PLAIN(int, fchmod, 0, (int descriptor, mode_t mode), (descriptor, mode))
PLAIN(int, fallocate, NEEDS_ROOM, (int descriptor, int mode, off_t from, off_t size), (descriptor, mode, from, size))
PLAIN(int, fallocate64, NEEDS_ROOM, (int descriptor, int mode, off64_t from, off64_t size), (descriptor, mode, from, size))

/* These give the error instead of setting errno. */
#define ALLOCATE(name, offset)                                                                     \
    FIND(name);                                                                                    \
    int name(int descriptor, offset from, offset size) {                                           \
        if (counts(descriptor) && fails_at(descriptor, #name, NEEDS_ROOM) == 1)                    \
            return errno;                                                                          \
        return REAL(name)(descriptor, from, size);                                                 \
    }
ALLOCATE(posix_fallocate, off_t)
ALLOCATE(posix_fallocate64, off64_t)

#define MAP(name, offset)                                                                          \
    FIND(name);                                                                                    \
    void *name(void *where, size_t size, int rights, int flags, int descriptor, offset at) {       \
        if (counts(descriptor) && fails_at(descriptor, #name, READS) == 1)                         \
            return MAP_FAILED;                                                                     \
        return REAL(name)(where, size, rights, flags, descriptor, at);                             \
    }
MAP(mmap, off_t)
MAP(mmap64, off64_t)

#define BY_PATH(name, kind, parameters, given)                                                     \
    FIND(name);                                                                                    \
    int name parameters {                                                                          \
        if (counts_at(AT_FDCWD, path) && fails(#name, path, kind) == 1)                            \
            return -1;                                                                             \
        return REAL(name) given;                                                                   \
    }
BY_PATH(unlink, 0, (const char *path), (path))
BY_PATH(rmdir, 0, (const char *path), (path))
BY_PATH(mkdir, NEEDS_ROOM, (const char *path, mode_t mode), (path, mode))
BY_PATH(chmod, 0, (const char *path, mode_t mode), (path, mode))
BY_PATH(truncate, 0, (const char *path, off_t size), (path, size))
BY_PATH(truncate64, 0, (const char *path, off64_t size), (path, size))
BY_PATH(rename, NEEDS_ROOM, (const char *from, const char *path), (from, path))
BY_PATH(link, NEEDS_ROOM, (const char *from, const char *path), (from, path))
BY_PATH(symlink, NEEDS_ROOM, (const char *from, const char *path), (from, path))

#define BY_PATH_AT(name, kind, parameters, given)                                                  \
    FIND(name);                                                                                    \
    int name parameters {                                                                          \
        if (counts_at(at, path) && fails(#name, path, kind) == 1)                                  \
            return -1;                                                                             \
        return REAL(name) given;                                                                   \
    }
BY_PATH_AT(unlinkat, 0, (int at, const char *path, int flags), (at, path, flags))
BY_PATH_AT(mkdirat, NEEDS_ROOM, (int at, const char *path, mode_t mode), (at, path, mode))
BY_PATH_AT(renameat, NEEDS_ROOM, (int at0, const char *from, int at, const char *path), (at0, from, at, path))
BY_PATH_AT(linkat, NEEDS_ROOM, (int at0, const char *from, int at, const char *path, int flags),
           (at0, from, at, path, flags))
BY_PATH_AT(symlinkat, NEEDS_ROOM, (const char *from, int at, const char *path), (from, at, path))

FIND(opendir);
DIR *opendir(const char *path) {
    if (counts_at(AT_FDCWD, path) && fails("opendir", path, READS) == 1)
        return NULL;
    return REAL(opendir)(path);
}

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("FAULT_PLAN");
    int descriptor = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return;
    void *place = (void *)syscall(SYS_mmap, 0, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    syscall(SYS_close, descriptor);
    if (place == MAP_FAILED)
        return;
    int64_t nobody = 0;
    plan = place;
    __atomic_compare_exchange_n(&plan->pid, &nobody, getpid(), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    if (!plan->others) { /* children are none of this */
        unsetenv("LD_PRELOAD");
        unsetenv("FAULT_PLAN");
    }
}
