/* Programs about to be started: whether the library fits them, and with what environment. */
#include "files.h"

/* -- starting programs ------------------------------------------------------------------------- */

enum { FINE, STATIC, GO, OTHER_LIBC, OTHER_MACHINE, PRIVILEGED, SANITIZER, UNABLE };

static const char *const SANITIZERS[] = {"libasan.so", "libtsan.so",  "liblsan.so", "libhwasan.so",
                                         "__asan_init", "__tsan_init", "__msan_init"};

static int sanitized(long fd, const Elf64_Phdr *parts, int count) {
    Elf64_Dyn table[128];
    char text[4096 + 16];
    Elf64_Addr place = 0;
    size_t left = 0, kept = 0;
    for (int i = 0; i < count; i++)
        if (parts[i].p_type == PT_DYNAMIC) {
            long size = RAW4(SYS_pread64, fd, table, sizeof table, parts[i].p_offset);
            for (long j = 0; j < size / (long)sizeof *table && table[j].d_tag != DT_NULL; j++)
                if (table[j].d_tag == DT_STRTAB)
                    place = table[j].d_un.d_ptr;
                else if (table[j].d_tag == DT_STRSZ)
                    left = table[j].d_un.d_val;
        }
    for (int i = 0; i < count; i++)
        if (parts[i].p_type == PT_LOAD && place - parts[i].p_vaddr < parts[i].p_filesz) {
            place += parts[i].p_offset - parts[i].p_vaddr;
            break;
        }
    while (left) {
        long size = RAW4(SYS_pread64, fd, text + kept, left < 4096 ? left : 4096, place);
        if (size <= 0)
            break;
        for (size_t one = 0; one < sizeof SANITIZERS / sizeof *SANITIZERS; one++)
            if (memmem(text, kept + (size_t)size, SANITIZERS[one], strlen(SANITIZERS[one])))
                return 1;
        place += (size_t)size;
        left -= (size_t)size;
        size_t end = kept + (size_t)size;
        kept = end < 16 ? end : 16; /* a name may lie across two pieces */
        memmove(text, text + end - kept, kept);
    }
    return 0;
}

/* Tell whether the library can be loaded into an ELF file, and sees what that does. */
static int inspect_elf(long fd, const char *name, const char *start, size_t size) {
    const Elf64_Ehdr *elf = (const Elf64_Ehdr *)(const void *)start;
    Elf64_Ehdr own;
    char text[256];
    int dynamic = 0;
    if (size < sizeof *elf || start[EI_CLASS] != ELFCLASS64 || RAW4(SYS_pread64, fd, &own, sizeof own, 0) < 0)
        return OTHER_MACHINE;
#if defined(__x86_64__)
    if (own.e_machine != EM_X86_64)
#else
    if (own.e_machine != EM_AARCH64)
#endif
        return OTHER_MACHINE;
    if (own.e_phentsize != sizeof(Elf64_Phdr) || own.e_phoff + own.e_phnum * sizeof(Elf64_Phdr) > size)
        return UNABLE;
    const Elf64_Phdr *parts = (const Elf64_Phdr *)(const void *)(start + own.e_phoff);
    for (int i = 0; i < own.e_phnum; i++) {
        size_t length = parts[i].p_filesz < sizeof text - 1 ? parts[i].p_filesz : sizeof text - 1;
        if (parts[i].p_type != PT_INTERP && parts[i].p_type != PT_NOTE)
            continue;
        long got = RAW4(SYS_pread64, fd, text, length, parts[i].p_offset);
        text[got > 0 ? got : 0] = 0;
        if (parts[i].p_type == PT_NOTE && got > 16 && memmem(text, (size_t)got, "Go\0", 4))
            return GO; /* calls the kernel by itself, with cgo too */
        if (parts[i].p_type == PT_INTERP) {
            dynamic = 1;
            if (!strstr(text, "/ld-linux"))
                return OTHER_LIBC;
        }
    }
    if (!dynamic && !strstr(name, "/ld-linux"))
        return STATIC;
    return sanitized(fd, parts, own.e_phnum) ? SANITIZER : FINE;
}

static int inspect(const char *path, int depth) {
    char start[4096] __attribute__((aligned(8))), *word, *end;
    struct stat found;
    int verdict = UNABLE;
    if (raw_stat(path, &found, 0) || !S_ISREG(found.st_mode))
        return FINE; /* it will fail by itself */
    if ((found.st_mode & S_ISUID) || (found.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ||
        RAW4(SYS_getxattr, path, "security.capability", 0, 0) > 0)
        return PRIVILEGED;
    uint64_t key = (found.st_ino * 0x9E3779B97F4A7C15u ^ found.st_dev * 0xC2B2AE3D27D4EB4Fu ^
                    (uint64_t)found.st_ctim.tv_nsec * 0x165667B19E3779F9u ^ (uint64_t)found.st_ctim.tv_sec);
    key = (key ^ key >> 31) << 8;
    uint64_t *slot = &head->verdicts[(key >> 20) % VERDICTS], known = *slot;
    if (known && (known & ~255ul) == key)
        return (int)(known & 255) - 1;
    long fd = raw_open(path, O_RDONLY);
    if (fd < 0)
        return UNABLE;
    long size = RAW3(SYS_read, fd, start, sizeof start - 1);
    if (size > 4 && !memcmp(start, ELFMAG, SELFMAG)) {
        verdict = inspect_elf(fd, path, start, (size_t)size);
    } else if (size >= 0 && depth < 4) {
        start[size] = 0;
        word = size > 2 && start[0] == '#' && start[1] == '!' ? start + 2 : NULL;
        if (word) {
            word += strspn(word, " \t");
            end = word + strcspn(word, " \t\n");
            *end = 0;
        }
        verdict = inspect(word ? word : "/bin/sh", depth + 1);
    }
    RAW3(SYS_close, fd, 0, 0);
    *slot = key | (uint64_t)(verdict + 1);
    return verdict;
}

static const char *value_of(char *const environment[], const char *name) {
    size_t size = strlen(name);
    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, size) && (*environment)[size] == '=')
            return *environment + size + 1;
    return NULL;
}

/* Find a program as execvp does; 0 where there is none. */
static int search(const char *file, int searched, char found[PATH_MAX]) {
    const char *path = value_of(environ, "PATH");
    size_t rest = strlen(file);
    if (!searched || strchr(file, '/')) {
        long size = *file == '/' ? 0 : RAW3(SYS_getcwd, found, PATH_MAX, 0) - 1;
        if (size < 0 || (size_t)size + rest + 2 > PATH_MAX)
            return 0;
        if (size)
            found[size++] = '/';
        memcpy(found + size, file, rest + 1);
        return 1;
    }
    for (path = path ? path : "/bin:/usr/bin"; *file; path++) {
        size_t size = strcspn(path, ":");
        if (size + rest + 2 < PATH_MAX) {
            memcpy(found, path, size);
            found[size] = '/';
            memcpy(found + size + (size > 0), file, rest + 1);
            if (!RAW4(SYS_faccessat, AT_FDCWD, found, X_OK, 0))
                return 1;
        }
        path += size;
        if (!*path)
            break;
    }
    return 0;
}

/* Put our entries into an environment: `list` has room for two more, `text` for their values. Where
 * the library doesn't fit, the Python below may still be watched by its hooks. */
static char **with_ours(char *const given[], char **list, char *text, int fits) {
    const char *preloads = value_of(given, "LD_PRELOAD"), *path = value_of(given, "PYTHONPATH");
    size_t count = 0, size = strlen(hook);
    for (; given && *given; given++)
        if ((!fits || strncmp(*given, "LD_PRELOAD=", 11)) && strncmp(*given, "PYTHONPATH=", 11))
            list[count++] = *given;
    if (fits) {
        list[count++] = text;
        text = stpcpy(stpcpy(text, "LD_PRELOAD="), preloads ? preloads : "");
        text = stpcpy(stpcpy(text, preloads ? ":" : ""), library) + 1;
    }
    list[count++] = text;
    text = stpcpy(text, "PYTHONPATH=");
    if (path && !strncmp(path, hook, size) && (!path[size] || path[size] == ':' || path[size] == '/'))
        strcpy(text, path);
    else
        strcpy(stpcpy(stpcpy(text, hook), path ? *path ? ":" : "/" : ""), path ? path : "");
    list[count] = NULL;
    return list;
}

static size_t room(char *const given[]) {
    const char *preloads = value_of(given, "LD_PRELOAD"), *path = value_of(given, "PYTHONPATH");
    return strlen(library) + strlen(hook) + (preloads ? strlen(preloads) : 0) +
           (path ? strlen(path) : 0) + 64;
}

static size_t length(char *const list[]) {
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

struct start {
    int (*call)(const struct start *);
    const char *file;
    char *const *argv, *const *environment;
    int searched, descriptor, flags; /* of fexecve and execveat */
    pid_t *pid;
    const posix_spawn_file_actions_t *actions;
    const posix_spawnattr_t *attributes;
};

/* What may be a secret, or say that one follows: such words are written as provgraph shows them.
 * The same list stands in audit/hook/watch.py; it finds more than collect/secrets redacts, never less. */
static const char *const TELLING[] = {
    "pass", "pwd",  "secret", "credential", "key",  "token", "cookie", "dsn",     "sas",  "auth", "connection",
    "basic", "bearer", "private", "sig", "amz-", "://", "hook", "mysql", "mariadb", "ldap", "curl", "wget",
    "twine", NULL};

static int may_be_secret(const char *word) {
    uint32_t first = 0; /* the letters that such words begin with */
    int run = 0;
    for (const char *const *one = TELLING; *one; one++)
        first |= 1u << (**one & 31);
    for (; *word; word++) {
        int letter = (*word | 32) >= 'a' && (*word | 32) <= 'z';
        run = letter || (*word >= '0' && *word <= '9') || *word == '_' || *word == '-' ? run + 1 : 0;
        if (run >= 20)
            return 1;
        if (first >> (*word & 31) & 1)
            for (const char *const *one = TELLING; *one; one++)
                if (!strncasecmp(word, *one, strlen(*one)))
                    return 1;
    }
    return 0;
}

/* Give words as provgraph shows them; where it can't be asked, the program's name alone. */
static size_t shown(char *const *argv, char *words, size_t room) {
    long line = connected();
    size_t size = 0;
    if (line >= 0) {
        int sent = send_all(line, "\0S", 2);
        for (char *const *word = argv; sent && *word; word++)
            sent = send_all(line, *word, strlen(*word) + 1);
        size = heard(line, words, room);
        if (sent && size && !words[size - 1])
            return size;
    }
    static const char unasked[] = "[redacted:unasked:00000000]";
    size = strlen(*argv) + 1;
    if (size + sizeof unasked > room || may_be_secret(*argv))
        size = 0;
    memcpy(words, *argv, size);
    memcpy(words + size, unasked, sizeof unasked);
    return size + sizeof unasked;
}

static struct record *told(char *const *argv, int kind, int number, const char *path,
                           const char *directory) {
    char words[2048];
    size_t size = 0;
    int telling = *every != 0;
    for (char *const *word = argv; word && *word && !telling; word++)
        telling = may_be_secret(*word);
    if (telling && argv && *argv)
        return put(kind, number, path, words, shown(argv, words, sizeof words), directory, NULL);
    for (char *const *word = argv; word && *word; word++) {
        size_t more = strlen(*word) + 1;
        if (size + more > sizeof words - 24) { /* the rest as one word: it tells commands apart */
            uint64_t rest = 0;
            for (; *word; word++)
                rest = (rest ^ hash_of(*word)) * 1099511628211u;
            strcpy(words + size, "...");
            size += 3;
            for (int digit = 0; digit < 16; digit++, rest >>= 4)
                words[size++] = "0123456789abcdef"[rest & 15];
            words[size++] = 0;
            break;
        }
        memcpy(words + size, *word, more);
        size += more;
    }
    return put(kind, number, path, words, size, directory, NULL);
}

/* Programs that start helpers with rights of their own, which a traced process can't give. */
static const char *const HANDED_OVER[] = {"docker", "podman", "buildah", "skopeo", "nerdctl", "runc",
                                          "crun", "kubectl", "snap", "sudo", NULL};

/* Tell whether strace may stand in for the library: it starts `argv[0]`, so that has to lead there. */
static int may_trace(int verdict, const char *path, const struct start *start) {
    char named[PATH_MAX], status[1024];
    struct stat one, other;
    char *const *argv = start->argv;
    const char *name = strrchr(path, '/') + 1;
    if (!*strace || !argv || !argv[0] || (verdict != STATIC && verdict != GO && verdict != OTHER_LIBC))
        return 0;
    if (start->descriptor != AT_FDCWD || (start->actions && *argv[0] != '/') ||
        RAW4(SYS_faccessat, AT_FDCWD, strace, X_OK, 0) || RAW4(SYS_faccessat, AT_FDCWD, spool, W_OK, 0))
        return 0;
    long fd = raw_open("/proc/self/status", O_RDONLY);
    long size = RAW3(SYS_read, fd, status, sizeof status - 1);
    RAW3(SYS_close, fd, 0, 0);
    status[size > 0 ? size : 0] = 0;
    if (!strstr(status, "TracerPid:\t0\n"))
        return 0; /* a debugger has it already */
    for (const char *const *helper = HANDED_OVER; *helper; helper++)
        if (!strcmp(name, *helper))
            return 0;
    return search(argv[0], 1, named) && !raw_stat(named, &one, 0) && !raw_stat(path, &other, 0) &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* The words that come before the program's own; `log` names strace's file. */
static char *const *traced(char *const argv[], const char **list, char *log) {
    size_t count = 0;
    for (const char *word = strace; *word; word += strlen(word) + 1)
        list[count++] = strcmp(word, "LOG") ? word : log;
    do
        list[count++] = *argv;
    while (*argv++);
    return (char *const *)list;
}

/* Start a program, watched where it can be; gives what the C library's own function gives. */
static int launch(struct start one) {
    char path[PATH_MAX];
    char *empty[] = {NULL};
    int spawned = one.pid != NULL, verdict = UNABLE, known;
    if (fresh)
        objects();
    if (inert || !is_text(one.file) || !are_texts(one.argv) || !are_texts(one.environment))
        return one.call(&one);
    size_t count = length(one.environment);
    if (one.descriptor != AT_FDCWD && *one.file != '/') {
        long size = path_of(one.descriptor, path);
        known = size > 0 && (size_t)size + strlen(one.file) + 2 < PATH_MAX;
        if (known && *one.file)
            path[size++] = '/';
        if (known)
            strcpy(path + size, one.file);
    } else {
        known = search(one.file, one.searched, path);
    }
    if (!known)
        return one.call(&one);
    if (count < 16384 && room(one.environment) < 65536 && !RAW4(SYS_faccessat, AT_FDCWD, library, R_OK, 0))
        verdict = inspect(path, 0);
    int by_strace = may_trace(verdict, path, &one);
    char *log = by_strace ? __builtin_alloca(2 * PATH_MAX) : NULL;
    if (by_strace) { /* its log, and where relative paths begin */
        char *end = stpcpy(stpcpy(log, spool), "strace.");
        uint64_t number = __atomic_fetch_add(&head->traced, 1, __ATOMIC_RELAXED) + 1;
        do
            *end++ = (char)('0' + number % 10);
        while ((number /= 10) > 0);
        *end++ = '\n';
        if (RAW3(SYS_getcwd, end, PATH_MAX, 0) <= 0)
            *end = 0;
    }
    struct record *record = told(one.argv, spawned ? 'S' : 'E', verdict, path, log);
    if (by_strace) {
        *strchr(log + spool_size, '\n') = 0;
        one.argv = traced(one.argv, __builtin_alloca((length(one.argv) + 64) * sizeof(char *)), log);
        one.file = one.argv[0];
    }
    if (verdict != UNABLE) {
        char **list = __builtin_alloca((count + 3) * sizeof *list);
        one.environment = with_ours(one.environment ? one.environment : empty, list,
                                    __builtin_alloca(room(one.environment)), verdict == FINE);
    }
    int result = one.call(&one), error = errno;
    if (result)
        strike(record);
    else if (spawned && record)
        __atomic_store_n(&record->stat[0], (uint64_t)*one.pid, __ATOMIC_RELEASE);
    errno = error;
    return result;
}
