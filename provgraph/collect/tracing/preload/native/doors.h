/* The C library's functions that take a path: each logs, and is itself. */
#include "programs.h"

/* -- the doors --------------------------------------------------------------------------------- */

int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);
int __xstat(int, const char *, struct stat *);
int __lxstat(int, const char *, struct stat *);
int __xstat64(int, const char *, struct stat64 *);
int __lxstat64(int, const char *, struct stat64 *);
int __fxstatat(int, int, const char *, struct stat *, int);
int __fxstatat64(int, int, const char *, struct stat64 *, int);

#define DOORS(X)                                                                                   \
    X(open) X(open64) X(openat) X(openat64) X(__open_2) X(__open64_2) X(__openat_2)                \
    X(__openat64_2) X(creat) X(creat64) X(fopen) X(fopen64) X(freopen) X(freopen64) X(mkstemp)     \
    X(mkstemp64) X(mkostemp) X(mkostemp64) X(mkstemps) X(mkstemps64) X(mkostemps) X(mkostemps64)   \
    X(stat) X(stat64) X(lstat) X(lstat64) X(fstatat) X(fstatat64) X(__xstat) X(__lxstat)           \
    X(__xstat64) X(__lxstat64) X(__fxstatat) X(__fxstatat64) X(statx) X(access) X(euidaccess)      \
    X(eaccess) X(faccessat) X(readlink) X(readlinkat) X(opendir) X(scandir) X(scandir64)           \
    X(scandirat) X(scandirat64) X(fdopendir) X(fts_open) X(fts64_open) X(ftw) X(ftw64) X(nftw)     \
    X(nftw64) X(glob) X(glob64) X(rename) X(renameat) X(renameat2) X(unlink) X(unlinkat)           \
    X(remove) X(link) X(linkat) X(symlink) X(symlinkat) X(truncate) X(truncate64) X(dlopen)        \
    X(dlmopen) X(dlclose) X(setlocale) X(newlocale) X(localtime) X(localtime_r) X(mktime)          \
    X(ctime) X(tzset) X(execve) X(execvpe) X(fexecve) X(execveat) X(posix_spawn) X(posix_spawnp)          \
    X(popen) X(wordexp) X(connect) X(prctl) X(chroot) X(unshare) X(setns) X(syscall) X(_exit)       \
    X(_Exit) X(shm_open) X(shmget) X(mq_open) X(sendto) X(sendmsg) X(sendmmsg) X(listen)           \
    X(accept) X(accept4) X(getaddrinfo) X(gethostbyname) X(gethostbyname2) X(gethostbyname_r)      \
    X(gethostbyname2_r)

#define X(name) static __typeof__(name) *real_##name;
DOORS(X)
#undef X

static void find_doors(void) {
#define X(name) real_##name = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);
    DOORS(X)
#undef X
}
/* Another library's constructor may come before ours. */
#define REAL(name) (real_##name ? real_##name : (find_doors(), real_##name))

static mode_t mode_in(int flags, va_list list) {
    return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(list, mode_t) : 0;
}

#define OPENING(at, path, flags, call)                                                             \
    struct opening one;                                                                            \
    to_open(&one, CALLER, at, path, flags);                                                        \
    int result = call;                                                                             \
    was_open(&one, result);                                                                        \
    return result

#define OPEN(name)                                                                                 \
    DOOR int name(const char *path, int flags, ...) {                                              \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode_t mode = mode_in(flags, list);                                                        \
        va_end(list);                                                                              \
        OPENING(AT_FDCWD, path, flags, REAL(name)(path, flags, mode));                             \
    }
OPEN(open) OPEN(open64)

#define OPENAT(name)                                                                               \
    DOOR int name(int at, const char *path, int flags, ...) {                                      \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode_t mode = mode_in(flags, list);                                                        \
        va_end(list);                                                                              \
        OPENING(at, path, flags, REAL(name)(at, path, flags, mode));                               \
    }
OPENAT(openat) OPENAT(openat64)

#define OPEN_2(name)                                                                               \
    DOOR int name(const char *path, int flags) {                                                   \
        OPENING(AT_FDCWD, path, flags, REAL(name)(path, flags));                                   \
    }
OPEN_2(__open_2) OPEN_2(__open64_2)

#define OPENAT_2(name)                                                                             \
    DOOR int name(int at, const char *path, int flags) {                                           \
        OPENING(at, path, flags, REAL(name)(at, path, flags));                                     \
    }
OPENAT_2(__openat_2) OPENAT_2(__openat64_2)

#define CREAT(name)                                                                                \
    DOOR int name(const char *path, mode_t mode) {                                                 \
        OPENING(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, REAL(name)(path, mode));             \
    }
CREAT(creat) CREAT(creat64)

static int flags_of(const char *mode) {
    int writes = strchr(mode, '+') ? O_RDWR : O_WRONLY, only = strchr(mode, 'x') ? O_EXCL : 0;
    switch (*mode) {
    case 'w': return writes | O_CREAT | O_TRUNC | only;
    case 'a': return writes | O_CREAT | O_APPEND | only;
    default: return writes == O_RDWR ? O_RDWR : O_RDONLY;
    }
}

#define FOPEN(name)                                                                                \
    DOOR FILE *name(const char *path, const char *mode) {                                          \
        struct opening one;                                                                        \
        to_open(&one, CALLER, AT_FDCWD, path, flags_of(mode));                                     \
        FILE *result = REAL(name)(path, mode);                                                     \
        was_open(&one, result ? fileno(result) : -1);                                              \
        return result;                                                                             \
    }
FOPEN(fopen) FOPEN(fopen64)

#define FREOPEN(name)                                                                              \
    DOOR FILE *name(const char *path, const char *mode, FILE *stream) {                            \
        struct opening one;                                                                        \
        to_open(&one, CALLER, AT_FDCWD, path, flags_of(mode));                                     \
        FILE *result = REAL(name)(path, mode, stream);                                             \
        was_open(&one, result ? fileno(result) : -1);                                              \
        return result;                                                                             \
    }
FREOPEN(freopen) FREOPEN(freopen64)

static int made(const char *path, int result) {
    struct place place;
    int error = errno;
    if (result >= 0 && locate(&place, AT_FDCWD, path)) {
        mark(head->own, place.hash ^ program);
        put('w', 0, place.path, NULL, 0, NULL, NULL);
    }
    errno = error;
    return result;
}
#define MKSTEMP(name, given, passed)                                                               \
    DOOR int name given { return made(path, REAL(name) passed); }
MKSTEMP(mkstemp, (char *path), (path))
MKSTEMP(mkstemp64, (char *path), (path))
MKSTEMP(mkostemp, (char *path, int flags), (path, flags))
MKSTEMP(mkostemp64, (char *path, int flags), (path, flags))
MKSTEMP(mkstemps, (char *path, int suffix), (path, suffix))
MKSTEMP(mkstemps64, (char *path, int suffix), (path, suffix))
MKSTEMP(mkostemps, (char *path, int suffix, int flags), (path, suffix, flags))
MKSTEMP(mkostemps64, (char *path, int suffix, int flags), (path, suffix, flags))

#define LOOK(name, at, given, passed)                                                              \
    DOOR int name given {                                                                          \
        int result = REAL(name) passed;                                                            \
        looked(CALLER, at, path, result != 0);                                                     \
        return result;                                                                             \
    }
LOOK(stat, AT_FDCWD, (const char *path, struct stat *to), (path, to))
LOOK(lstat, AT_FDCWD, (const char *path, struct stat *to), (path, to))
LOOK(stat64, AT_FDCWD, (const char *path, struct stat64 *to), (path, to))
LOOK(lstat64, AT_FDCWD, (const char *path, struct stat64 *to), (path, to))
LOOK(fstatat, at, (int at, const char *path, struct stat *to, int flags), (at, path, to, flags))
LOOK(fstatat64, at, (int at, const char *path, struct stat64 *to, int flags), (at, path, to, flags))
LOOK(__xstat, AT_FDCWD, (int version, const char *path, struct stat *to), (version, path, to))
LOOK(__lxstat, AT_FDCWD, (int version, const char *path, struct stat *to), (version, path, to))
LOOK(__xstat64, AT_FDCWD, (int version, const char *path, struct stat64 *to), (version, path, to))
LOOK(__lxstat64, AT_FDCWD, (int version, const char *path, struct stat64 *to), (version, path, to))
LOOK(__fxstatat, at, (int version, int at, const char *path, struct stat *to, int flags),
     (version, at, path, to, flags))
LOOK(__fxstatat64, at, (int version, int at, const char *path, struct stat64 *to, int flags),
     (version, at, path, to, flags))
LOOK(statx, at, (int at, const char *path, int flags, unsigned mask, struct statx *to),
     (at, path, flags, mask, to))
LOOK(euidaccess, AT_FDCWD, (const char *path, int mode), (path, mode))
LOOK(eaccess, AT_FDCWD, (const char *path, int mode), (path, mode))
LOOK(faccessat, at, (int at, const char *path, int mode, int flags), (at, path, mode, flags))

DOOR int access(const char *path, int mode) {
    int result = REAL(access)(path, mode);
    size_t size = hook ? strlen(hook) : 0;
    if (size && (!result || errno != EFAULT) && !strncmp(path, hook, size)) {
        const char *told = path + size;
        if (!strcmp(told, "/hooked"))
            hooked = by_interpreter(CALLER); /* the audit hook tells us that it is there */
        else if (!strcmp(told, "/counting"))
            __atomic_fetch_add(&counting, 1, __ATOMIC_RELEASE);
        else if (!strcmp(told, "/counted"))
            __atomic_fetch_sub(&counting, 1, __ATOMIC_RELEASE);
        else if (!strcmp(told, "/lost"))
            __atomic_fetch_add(&head->lost, 1, __ATOMIC_RELAXED); /* or that it has no room */
    }
    looked(CALLER, AT_FDCWD, path, result != 0);
    return result;
}

DOOR ssize_t readlink(const char *path, char *to, size_t size) {
    ssize_t result = REAL(readlink)(path, to, size);
    if (result < 0)
        looked(CALLER, AT_FDCWD, path, 1);
    return result;
}

DOOR ssize_t readlinkat(int at, const char *path, char *to, size_t size) {
    ssize_t result = REAL(readlinkat)(at, path, to, size);
    if (result < 0)
        looked(CALLER, at, path, 1);
    return result;
}

DOOR DIR *opendir(const char *path) {
    DIR *result = REAL(opendir)(path);
    listed(CALLER, AT_FDCWD, path, !result);
    return result;
}

DOOR DIR *fdopendir(int descriptor) {
    DIR *result = REAL(fdopendir)(descriptor);
    if (result)
        listed(CALLER, descriptor, ".", 0);
    return result;
}

#define SCANDIR(name, entry)                                                                       \
    DOOR int name(const char *path, struct entry ***to, int (*wanted)(const struct entry *),       \
                  int (*order)(const struct entry **, const struct entry **)) {                    \
        int result = REAL(name)(path, to, wanted, order);                                          \
        listed(CALLER, AT_FDCWD, path, result < 0);                                                \
        return result;                                                                             \
    }
SCANDIR(scandir, dirent) SCANDIR(scandir64, dirent64)

#define SCANDIRAT(name, entry)                                                                     \
    DOOR int name(int at, const char *path, struct entry ***to,                                    \
                  int (*wanted)(const struct entry *),                                             \
                  int (*order)(const struct entry **, const struct entry **)) {                    \
        int result = REAL(name)(at, path, to, wanted, order);                                      \
        listed(CALLER, at, path, result < 0);                                                      \
        return result;                                                                             \
    }
SCANDIRAT(scandirat, dirent) SCANDIRAT(scandirat64, dirent64)

DOOR FTS *fts_open(char *const *paths, int options, int (*order)(const FTSENT **, const FTSENT **)) {
    for (char *const *path = paths; path && *path; path++)
        walked(*path);
    return REAL(fts_open)(paths, options, order);
}

DOOR FTS64 *fts64_open(char *const *paths, int options,
                       int (*order)(const FTSENT64 **, const FTSENT64 **)) {
    for (char *const *path = paths; path && *path; path++)
        walked(*path);
    return REAL(fts64_open)(paths, options, order);
}

#define WALK(name, given, passed)                                                                  \
    DOOR int name given {                                                                          \
        walked(path);                                                                              \
        return REAL(name) passed;                                                                  \
    }
WALK(ftw, (const char *path, __ftw_func_t take, int many), (path, take, many))
WALK(ftw64, (const char *path, __ftw64_func_t take, int many), (path, take, many))
WALK(nftw, (const char *path, __nftw_func_t take, int many, int flags), (path, take, many, flags))
WALK(nftw64, (const char *path, __nftw64_func_t take, int many, int flags), (path, take, many, flags))

/* The C library lists directories for a pattern by itself: the one above the first wildcard, and
 * what lies below where another part of the path follows. */
static void matched(const char *pattern) {
    char above[PATH_MAX];
    size_t plain = strcspn(pattern, "*?[{\\"), size = plain;
    if (plain >= PATH_MAX || !pattern[plain])
        return looked(NULL, AT_FDCWD, pattern, raw(SYS_faccessat, AT_FDCWD, (long)pattern, 0, 0, 0, 0) != 0);
    while (size && pattern[size - 1] != '/')
        size--;
    memcpy(above, pattern, size);
    strcpy(above + size, size ? "" : ".");
    if (strchr(pattern + plain, '/') || *pattern == '~')
        walked(above);
    else
        listed(NULL, AT_FDCWD, above, 0);
}

#define GLOB(name, found)                                                                          \
    DOOR int name(const char *pattern, int flags, int (*error)(const char *, int), found *to) {    \
        matched(pattern);                                                                          \
        return REAL(name)(pattern, flags, error, to);                                              \
    }
GLOB(glob, glob_t) GLOB(glob64, glob64_t)

#define CHANGE(name, given, passed, announce)                                                      \
    DOOR int name given {                                                                          \
        struct change one;                                                                         \
        announce;                                                                                  \
        return was_changed(&one, REAL(name) passed);                                               \
    }
CHANGE(rename, (const char *path, const char *to), (path, to),
       to_rename(&one, CALLER, AT_FDCWD, path, AT_FDCWD, to))
CHANGE(renameat, (int from, const char *path, int at, const char *to), (from, path, at, to),
       to_rename(&one, CALLER, from, path, at, to))
CHANGE(unlink, (const char *path), (path), to_remove(&one, CALLER, AT_FDCWD, path))
CHANGE(unlinkat, (int at, const char *path, int flags), (at, path, flags),
       to_remove(&one, CALLER, at, path))
CHANGE(remove, (const char *path), (path), to_remove(&one, CALLER, AT_FDCWD, path))
CHANGE(link, (const char *path, const char *to), (path, to),
       to_link(&one, CALLER, AT_FDCWD, path, AT_FDCWD, to))
CHANGE(linkat, (int from, const char *path, int at, const char *to, int flags),
       (from, path, at, to, flags), to_link(&one, CALLER, from, path, at, to))

DOOR int renameat2(int from, const char *path, int at, const char *to, unsigned flags) {
    struct change one, back;
    struct stat found;
    back.record = back.second = NULL;
    back.made = 0;
    if ((flags & RENAME_NOREPLACE) && !RAW4(SYS_newfstatat, at, to, &found, AT_SYMLINK_NOFOLLOW))
        return REAL(renameat2)(from, path, at, to, flags); /* it will fail */
    to_rename(&one, CALLER, from, path, at, to);
    if (flags & RENAME_EXCHANGE) {
        strike(one.second); /* nothing is replaced: the two files change places */
        to_rename(&back, CALLER, at, to, from, path);
        strike(back.second);
    }
    return was_changed(&back, was_changed(&one, REAL(renameat2)(from, path, at, to, flags)));
}

static void to_symlink(struct change *one, const void *caller, const char *path, int at, const char *to) {
    char whole[PATH_MAX];
    one->record = one->second = NULL;
    one->made = 0;
    if (!is_text(path) || !is_text(to))
        return;
    const char *name = strrchr(to, '/');
    size_t size = name ? (size_t)(name - to) + 1 : 0;
    if (*path == '/' || at != AT_FDCWD || size + strlen(path) + 1 > sizeof whole)
        return to_link(one, caller, AT_FDCWD, path, at, to);
    memcpy(whole, to, size); /* a link is followed from where it lies */
    strcpy(whole + size, path);
    to_link(one, caller, AT_FDCWD, whole, at, to);
}
CHANGE(symlink, (const char *path, const char *to), (path, to),
       to_symlink(&one, CALLER, path, AT_FDCWD, to))
CHANGE(symlinkat, (const char *path, int at, const char *to), (path, at, to),
       to_symlink(&one, CALLER, path, at, to))

#define TRUNCATE(name, offset)                                                                     \
    DOOR int name(const char *path, offset size) {                                                 \
        struct opening one;                                                                        \
        to_open(&one, CALLER, AT_FDCWD, path, O_RDWR);                                             \
        int result = REAL(name)(path, size);                                                       \
        was_open(&one, result);                                                                    \
        return result;                                                                             \
    }
TRUNCATE(truncate, off_t) TRUNCATE(truncate64, off64_t)
