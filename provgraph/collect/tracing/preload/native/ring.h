/* The memory shared with provgraph, and how a record gets into it. See preload.c, ring.py. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <link.h>
#include <locale.h>
#include <mqueue.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wordexp.h>

#define DOOR __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

/* -- system calls, past every wrapper, leaving errno alone ------------------------------------- */

static long raw(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#else
#error "this processor isn't supported; audit hooks still are"
#endif
}
/* Tell whether a program's memory can be read: the kernel refuses a bad address with EFAULT, and we
 * look before it does. It copies the set before it finds that there is no such way to change a mask. */
static int readable(const void *at) {
    uintptr_t word = (uintptr_t)at & ~(uintptr_t)7;
    return raw(SYS_rt_sigprocmask, 99, (long)word, 0, 8, 0, 0) != -EFAULT;
}

/* Tell the same of a text: all of it, up to its end, or to where it is too long for a path. */
static int is_text(const char *text) {
    const char *at = text;
    while (at && at - text <= PATH_MAX) {
        size_t left = 4096 - ((uintptr_t)at & 4095);
        if (!readable(at))
            return 0;
        if (memchr(at, 0, left))
            return 1;
        at += left;
    }
    return 0;
}

/* Tell it of a list of texts of any length, as programs are started with. */
static int are_texts(char *const *list) {
    for (; list; list++) {
        if (!readable(list))
            return 0;
        if (!*list)
            return 1;
        for (const char *at = *list;;) {
            size_t left = 4096 - ((uintptr_t)at & 4095);
            if (!readable(at))
                return 0;
            if (memchr(at, 0, left))
                break;
            at += left;
        }
    }
    return 1;
}

#define RAW3(n, a, b, c) raw(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define RAW4(n, a, b, c, d) raw(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

static long raw_open(const char *path, int flags) {
    return RAW4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}
static long raw_stat(const char *path, struct stat *found, int flags) {
    return RAW4(SYS_newfstatat, AT_FDCWD, path, found, flags);
}

/* -- the ring ---------------------------------------------------------------------------------- */

#define MAGIC 0xF5F7FDFBu /* no UTF-8 text holds these bytes */
#define CHUNK (8ul << 20)
#define CHUNKS 64
#define CONFIG 16384
#define VERDICTS 4096
#define BITS (1u << 20)

struct head {
    uint64_t magic, next, lost, traced;
    char config[CONFIG];
    uint64_t verdicts[VERDICTS];            /* of inspected binaries, for the whole run */
    uint64_t read[BITS / 64], own[BITS / 64]; /* names read, and made by whom: Bloom filters */
};

struct record {
    uint32_t magic, size;
    uint64_t when;
    int32_t pid, number;
    uint8_t kind, flags;
    uint16_t path, other, before; /* lengths of the texts that follow */
    uint64_t stat[5];
    char text[];
};

static char *chunks[CHUNKS];
static struct head *head;
static char ring_path[PATH_MAX];      /* ends in the number of the chunk */
static const char *root, *spool, *asking, *library, *hook, *every, *strace, *skipped;
static size_t root_size, spool_size;
static char *core_from, *core_to;     /* the Python interpreter's own code, where there is one */
static int hooked;                    /* Python's audit hook sees what the interpreter does */
static int counting;                  /* readers of columns at work: every opening is logged, by thread */
static __thread int fresh __attribute__((tls_model("initial-exec"))); /* it opened a library */
static int inert = 1;                 /* nothing can be logged yet, or may be any more */
static uint64_t program;              /* names this program, its forks included, in `own` */
static uint64_t seen[8192];           /* hashes of what was logged already */

static char *map_chunk(unsigned number, int create) {
    char *known = __atomic_load_n(&chunks[number], __ATOMIC_ACQUIRE);
    struct rlimit limit;
    char name[PATH_MAX];
    size_t size = strlen(ring_path);
    if (known)
        return known;
    memcpy(name, ring_path, size);
    if (number >= 10)
        name[size++] = (char)('0' + number / 10);
    name[size++] = (char)('0' + number % 10);
    name[size] = 0;
    if (create && (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur < CHUNK))
        return NULL; /* growing the file would kill the program */
    long fd = raw_open(name, O_RDWR | (create ? O_CREAT : 0));
    if (fd < 0)
        return NULL;
    /* Allocated, not only grown: on a full disk a write to a hole would kill the program. A signal
     * of the program's own may come amid it. */
    long failed = create ? -EINTR : 0;
    for (int tries = 0; failed == -EINTR && tries < 1000; tries++)
        failed = RAW4(SYS_fallocate, fd, 0, 0, CHUNK);
    char *place = failed ? MAP_FAILED
                         : (char *)raw(SYS_mmap, 0, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    RAW3(SYS_close, fd, 0, 0);
    if ((unsigned long)place > -4096ul)
        return NULL;
    if (!__atomic_compare_exchange_n(&chunks[number], &known, place, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        RAW3(SYS_munmap, place, CHUNK, 0);
        return known;
    }
    return place;
}

static char *reserve(size_t size) {
    for (;;) {
        uint64_t at = __atomic_fetch_add(&head->next, size, __ATOMIC_RELAXED);
        unsigned number = (unsigned)(at / CHUNK);
        size_t left = CHUNK - at % CHUNK;
        char *chunk = number < CHUNKS ? map_chunk(number, number > 0) : NULL;
        if (!chunk) {
            __atomic_fetch_add(&head->lost, 1, __ATOMIC_RELAXED);
            return NULL;
        }
        struct record *place = (struct record *)(chunk + at % CHUNK);
        place->size = (uint32_t)(size < left ? size : left);
        __atomic_store_n(&place->magic, MAGIC, __ATOMIC_RELEASE);
        if (size <= left)
            return (char *)place;
        /* The rest of the chunk is too small; where its head fits, it says so, as kind 0. */
        unsigned next = number + 1;
        size_t over = size - left;
        if (next < CHUNKS && (chunk = map_chunk(next, 1)) && over >= 8) {
            place = (struct record *)chunk;
            place->size = (uint32_t)over;
            __atomic_store_n(&place->magic, MAGIC, __ATOMIC_RELEASE);
        }
    }
}

static struct record *put(int kind, int number, const char *path, const char *other,
                          size_t other_size, const char *before, const struct stat *found) {
    size_t path_size = path ? strlen(path) : 0, before_size = before ? strlen(before) : 0;
    struct timespec now;
    if (path_size > 2 * PATH_MAX || other_size > 2 * PATH_MAX) {
        __atomic_fetch_add(&head->lost, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    size_t size = (sizeof(struct record) + path_size + other_size + before_size + 7) & ~7ul;
    struct record *record = (struct record *)reserve(size);
    if (!record)
        return NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    record->when = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    record->pid = (int32_t)RAW3(SYS_getpid, 0, 0, 0);
    record->number = number;
    record->path = (uint16_t)path_size;
    record->other = (uint16_t)other_size;
    record->before = (uint16_t)before_size;
    record->flags = found != NULL;
    if (found) {
        record->stat[0] = found->st_dev;
        record->stat[1] = found->st_ino;
        record->stat[2] = (uint64_t)found->st_size;
        record->stat[3] = (uint64_t)found->st_mtim.tv_sec * 1000000000u + (uint64_t)found->st_mtim.tv_nsec;
        record->stat[4] = (uint64_t)found->st_ctim.tv_sec * 1000000000u + (uint64_t)found->st_ctim.tv_nsec;
    }
    if (path_size)
        memcpy(record->text, path, path_size);
    if (other_size)
        memcpy(record->text + path_size, other, other_size);
    if (before_size)
        memcpy(record->text + path_size + other_size, before, before_size);
    __atomic_store_n(&record->kind, (uint8_t)kind, __ATOMIC_RELEASE);
    return record;
}

static void strike(struct record *record) {
    if (record)
        __atomic_store_n(&record->kind, 'v', __ATOMIC_RELEASE);
}
