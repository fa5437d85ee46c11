/* What is done to a path, as records. */
#include "ring.h"

/* -- paths ------------------------------------------------------------------------------------- */

struct place {
    const char *path; /* absolute; NULL where nobody needs to know */
    const char *system; /* the same, of a file of the system or a device, where `path` is NULL */
    uint64_t hash;
    int inside;
    char buffer[PATH_MAX];
};

static uint64_t hash_of(const char *text) {
    uint64_t hash = 14695981039346656037u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash ^ hash >> 29;
}

static int by_interpreter(const void *caller) {
    return (const char *)caller >= core_from && (const char *)caller < core_to;
}

static long path_of(int descriptor, char *buffer) {
    char link[32] = "/proc/self/fd/", digits[12];
    int size = 0, at = 14;
    do
        digits[size++] = (char)('0' + descriptor % 10);
    while ((descriptor /= 10) > 0);
    while (size)
        link[at++] = digits[--size];
    link[at] = 0;
    return RAW4(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_MAX - 1);
}

static int again(uint64_t hash, int kind) {
    hash = (hash ^ (uint64_t)kind << 56) | 1;
    unsigned at = (unsigned)(hash >> 20);
    for (int turn = 0; turn < 8; turn++) {
        uint64_t *slot = &seen[(at + (unsigned)turn) % 8192];
        uint64_t there = __atomic_load_n(slot, __ATOMIC_RELAXED);
        if (there == hash)
            return 1;
        if (!there || turn == 7) {
            __atomic_store_n(there ? &seen[at % 8192] : slot, hash, __ATOMIC_RELAXED);
            return 0;
        }
    }
    return 0;
}

/* -- what programs share beside files ---------------------------------------------------------- */

static void shares(const char *name, int failed) {
    int error = errno;
    if (!inert && !failed && !again(hash_of(name), 'm'))
        put('m', 0, name, NULL, 0, NULL, NULL);
    errno = error;
}

/* Where the system's own files lie: which package one belongs to, provgraph finds out later. */
static int of_system(const char *path) {
    static const char *const places[] = {"/usr/", "/lib", "/etc/", "/bin/", "/sbin/", "/var/lib/"};
    for (size_t at = 0; at < sizeof places / sizeof *places; at++)
        if (!strncmp(path, places[at], strlen(places[at])))
            return 1;
    return 0;
}

/* Devices that are no hardware: terminals, random numbers, descriptors, memory. */
static int of_hardware(const char *path) {
    static const char *const none[] = {"null", "zero", "full", "tty", "pts", "ptmx", "random", "urandom",
                                       "std", "fd", "shm", "log", "console", "mqueue", "hugepages"};
    if (strncmp(path, "/dev/", 5))
        return 0;
    for (size_t at = 0; at < sizeof none / sizeof *none; at++)
        if (!strncmp(path + 5, none[at], strlen(none[at])))
            return !strncmp(path + 5, "tty", 3) && path[8] >= 'A'; /* ttyUSB0: an instrument */
    return 1;
}

static void objects(void);

static int locate(struct place *place, int directory, const char *path) {
    if (fresh)
        objects();
    place->path = place->system = NULL;
    if (inert || !is_text(path) || !*path)
        return 0;
    if (*path == '/') {
        place->path = path;
    } else {
        long size;
        if (directory == AT_FDCWD) {
            size = RAW3(SYS_getcwd, place->buffer, PATH_MAX, 0) - 1;
        } else {
            size = path_of(directory, place->buffer);
        }
        while (path[0] == '.' && path[1] == '/')
            path += 2;
        size_t rest = strlen(path);
        if (size <= 0 || place->buffer[0] != '/' || (size_t)size + rest + 2 > PATH_MAX) {
            __atomic_fetch_add(&head->lost, 1, __ATOMIC_RELAXED);
            return 0;
        }
        if (size > 1)
            place->buffer[size++] = '/';
        memcpy(place->buffer + size, path, rest + 1);
        place->path = place->buffer;
    }
    int climbs = strstr(place->path, "/..") != NULL; /* where it leads is found out later */
    place->inside = climbs || !strncmp(place->path, root, root_size);
    if (!strncmp(place->path, spool, spool_size)) {
        place->path = NULL;
    } else if (place->inside && !climbs) {
        if (!strncmp(place->path + root_size, ".git/", 5))
            place->path = NULL;
    } else if (!climbs) {
        for (const char *one = skipped; *one; one += strlen(one) + 1)
            if (!strncmp(place->path, one, strlen(one))) {
                if (!strncmp(place->path, "/dev/shm/", 9))
                    shares(place->path, 0);
                if (of_system(place->path) || of_hardware(place->path))
                    place->system = place->path;
                place->path = NULL;
                break;
            }
    }
    if (place->path)
        place->hash = hash_of(place->path);
    return place->path != NULL;
}

static void mark(uint64_t *filter, uint64_t hash) {
    for (int turn = 0; turn < 2; turn++, hash >>= 24)
        __atomic_fetch_or(&filter[hash % BITS / 64], 1ull << hash % 64, __ATOMIC_RELAXED);
}

static int marked(uint64_t *filter, uint64_t hash) {
    for (int turn = 0; turn < 2; turn++, hash >>= 24)
        if (!(__atomic_load_n(&filter[hash % BITS / 64], __ATOMIC_RELAXED) >> hash % 64 & 1))
            return 0;
    return 1;
}

/* -- what a file held before the program changes it -------------------------------------------- */

/* Connect with provgraph; -1 where it can't be. */
static long connected(void) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 60};
    size_t size = strlen(asking);
    if (!size || size >= sizeof to.sun_path)
        return -1;
    memcpy(to.sun_path, asking, size + 1);
    long line = RAW3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line < 0)
        return -1;
    raw(SYS_setsockopt, line, SOL_SOCKET, SO_RCVTIMEO, (long)&patience, sizeof patience, 0);
    if (!RAW3(SYS_connect, line, &to, sizeof to))
        return line;
    RAW3(SYS_close, line, 0, 0);
    return -1;
}

static int send_all(long line, const char *text, size_t left) {
    while (left) {
        long sent = raw(SYS_sendto, line, (long)text, (long)left, MSG_NOSIGNAL, 0, 0);
        if (sent <= 0 && sent != -EINTR)
            return 0;
        text += sent > 0 ? sent : 0;
        left -= sent > 0 ? (size_t)sent : 0;
    }
    return 1;
}

/* Read the answer to what was sent, and hang up; its size, or 0 where none came. */
static size_t heard(long line, char *answer, size_t room) {
    size_t got = 0;
    long more = -1;
    if (!RAW3(SYS_shutdown, line, SHUT_WR, 0))
        do {
            more = RAW3(SYS_read, line, answer + got, room - got);
            got += more > 0 ? (size_t)more : 0;
        } while ((more > 0 && got < room) || more == -EINTR);
    RAW3(SYS_close, line, 0, 0);
    return more ? 0 : got;
}

static const char *ask(struct place *place, const struct stat *found, int always, char answer[128]) {
    char text[128];
    if (!place->inside || !S_ISREG(found->st_mode) || marked(head->own, place->hash ^ program) ||
        !(always || marked(head->read, place->hash)))
        return NULL;
    strcpy(answer, "lost");
    long line = connected();
    if (line < 0)
        return answer;
    int sent = send_all(line, place->path, strlen(place->path));
    size_t got = heard(line, text, sizeof text - 1);
    if (sent && got) {
        text[got] = 0;
        strcpy(answer, text);
    }
    return answer;
}

/* -- looking, opening, changing ---------------------------------------------------------------- */

static void missed(struct place *place) {
    if (place->inside && !again(place->hash, 'x'))
        put('x', 0, place->path, NULL, 0, NULL, NULL);
}

static void looked(const void *caller, int directory, const char *path, int failed) {
    struct place place;
    struct stat found;
    int error = errno;
    if ((failed && error != ENOENT && error != ENOTDIR) || (hooked && by_interpreter(caller)))
        return;
    if (locate(&place, directory, path) && place.inside) {
        if (failed)
            missed(&place);
        else if (!again(place.hash, 'e') && !raw_stat(place.path, &found, 0) && S_ISREG(found.st_mode))
            put('e', 0, place.path, NULL, 0, NULL, &found);
    }
    errno = error;
}

static void listed(const void *caller, int directory, const char *path, int failed) {
    struct place place;
    int error = errno;
    if ((failed && error != ENOENT && error != ENOTDIR) || (hooked && by_interpreter(caller)))
        return;
    if (locate(&place, directory, path)) {
        if (failed)
            missed(&place);
        else if (!again(place.hash, 'l'))
            put('l', 0, place.path, NULL, 0, NULL, NULL);
    }
    errno = error;
}

static void walked(const char *path) {
    struct place place;
    if (locate(&place, AT_FDCWD, path))
        put('t', 0, place.path, NULL, 0, NULL, NULL);
}

/* Log that a file of the system was read, or a device opened; `failed` is an error's number. */
static void of_system_opened(const char *path, int failed) {
    int kind = *path == '/' && path[1] == 'd' ? 'D' : 'o';
    if ((kind == 'o' && failed) || (failed && failed != ENOENT && failed != ENXIO && failed != ENODEV))
        return;
    if (!again(hash_of(path), failed ? 'N' : kind))
        put(kind, failed != 0, path, NULL, 0, NULL, NULL);
}

struct opening {
    struct place place;
    struct record *record;
    int reads;
};

/* Name what a file is now: read once more after another step rewrote it, it is another input. */
static uint64_t version_of(const struct place *place, const struct stat *found) {
    uint64_t time = (uint64_t)found->st_mtim.tv_sec * 1000000000u + (uint64_t)found->st_mtim.tv_nsec;
    return place->hash ^ (time ^ (uint64_t)found->st_size << 40) * 0x9E3779B97F4A7C15u ^ found->st_ino;
}

static void read_through(struct place *place, const struct stat *found) {
    int counted = __atomic_load_n(&counting, __ATOMIC_ACQUIRE) > 0;
    mark(head->read, place->hash);
    if (counted) /* and not remembered: read once more later, it is logged as ever */
        put('r', (int)RAW3(SYS_gettid, 0, 0, 0), place->path, NULL, 0, NULL, found);
    else if (!again(version_of(place, found), 'r'))
        put('r', 0, place->path, NULL, 0, NULL, found);
}

/* Log an opening before it is done, where it may change something. */
static void to_open(struct opening *one, const void *caller, int directory, const char *path,
                    int flags) {
    struct stat found;
    char answer[128];
    const char *before;
    one->record = NULL;
    one->reads = 1;
    if (!locate(&one->place, directory, path)) {
        if (one->place.system && (flags & (O_DIRECTORY | O_PATH) || ((flags & O_ACCMODE) == O_WRONLY &&
                                                                     !of_hardware(one->place.system))))
            one->place.system = NULL;
        return;
    }
    if (hooked && by_interpreter(caller)) { /* the audit hook logs it; others must know of it */
        mark(head->read, one->place.hash);
        if (!raw_stat(one->place.path, &found, 0) && S_ISFIFO(found.st_mode))
            shares(one->place.path, 0);
        one->place.path = NULL;
        return;
    }
    if ((flags & O_ACCMODE) == O_RDONLY && !(flags & (O_CREAT | O_TRUNC)))
        return;
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        one->place.path = NULL;
        return;
    }
    if (raw_stat(one->place.path, &found, 0)) {
        one->reads = 0;
        if (!(flags & O_CREAT))
            return;
        one->record = put(flags & O_APPEND ? 'a' : 'w', 0, one->place.path, NULL, 0, NULL, NULL);
        return;
    }
    if (!S_ISREG(found.st_mode) || ((flags & O_CREAT) && (flags & O_EXCL)))
        return;
    if ((flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC))
        return;
    one->reads = 0;
    int kind = flags & O_TRUNC ? 'w' : flags & O_APPEND ? 'a' : 'u';
    if (kind == 'a' && (flags & O_ACCMODE) == O_RDWR)
        read_through(&one->place, &found);
    before = ask(&one->place, &found, kind != 'w', answer);
    one->record = put(kind, 0, one->place.path, NULL, 0, before, &found);
}

static void was_open(struct opening *one, int descriptor) {
    int error = errno;
    struct stat found;
    if (one->place.system && !one->place.path) {
        of_system_opened(one->place.system, descriptor < 0 ? error : 0);
    } else if (descriptor < 0) {
        strike(one->record);
        if (one->place.path && one->place.inside && (error == ENOENT || error == ENOTDIR) &&
            !again(one->place.hash, 'X'))
            put('x', 1, one->place.path, NULL, 0, NULL, NULL);
        else if (one->place.path && error == EEXIST)
            looked(NULL, AT_FDCWD, one->place.path, 0);
    } else if (one->record && !one->record->flags) {
        mark(head->own, one->place.hash ^ program);
    } else if (one->place.path && one->reads && !RAW3(SYS_fstat, descriptor, &found, 0)) {
        if (S_ISREG(found.st_mode))
            read_through(&one->place, &found);
        else if (S_ISFIFO(found.st_mode))
            shares(one->place.path, 0);
    }
    errno = error;
}

struct change {
    struct place place;
    struct record *record, *second;
    int made; /* what lies at `place` afterwards is the run's own */
};

static void to_remove(struct change *one, const void *caller, int directory, const char *path) {
    struct stat found;
    char answer[128];
    one->record = one->second = NULL;
    one->made = 0;
    if ((hooked && by_interpreter(caller)) || !locate(&one->place, directory, path) ||
        raw_stat(one->place.path, &found, AT_SYMLINK_NOFOLLOW) || S_ISDIR(found.st_mode))
        return;
    const char *before = ask(&one->place, &found, 0, answer);
    one->record = put('d', 0, one->place.path, NULL, 0, before, &found);
}

static int was_changed(struct change *one, int result) {
    int error = errno;
    if (result) {
        strike(one->record);
        strike(one->second);
    } else if (one->made) {
        mark(head->own, one->place.hash ^ program);
    }
    errno = error;
    return result;
}

static void to_rename(struct change *one, const void *caller, int from, const char *path, int to,
                      const char *other) {
    struct place source;
    struct stat found, replaced;
    char answer[128];
    one->record = one->second = NULL;
    one->made = 0;
    if ((hooked && by_interpreter(caller)) || !is_text(path) || !is_text(other))
        return;
    int known = locate(&source, from, path), wanted = locate(&one->place, to, other);
    if (!known && !wanted)
        return;
    const char *cause = known ? source.path : path, *effect = wanted ? one->place.path : other;
    if (*cause != '/' || *effect != '/' || raw_stat(cause, &found, AT_SYMLINK_NOFOLLOW))
        return;
    if (wanted && !raw_stat(effect, &replaced, AT_SYMLINK_NOFOLLOW)) {
        if (replaced.st_dev == found.st_dev && replaced.st_ino == found.st_ino)
            return;
        if (!S_ISDIR(replaced.st_mode))
            one->second = put('d', 0, effect, NULL, 0, ask(&one->place, &replaced, 0, answer), &replaced);
    }
    const char *before = known ? ask(&source, &found, 1, answer) : NULL;
    one->record = put('n', 0, cause, effect, strlen(effect), before, &found);
    one->made = wanted;
}

/* A link is another name for what is there: a copy. */
static void to_link(struct change *one, const void *caller, int from, const char *path, int to,
                    const char *other) {
    struct place source;
    struct stat found;
    one->record = one->second = NULL;
    one->made = 0;
    if ((hooked && by_interpreter(caller)) || !is_text(path) || !locate(&one->place, to, other) ||
        !raw_stat(one->place.path, &found, AT_SYMLINK_NOFOLLOW))
        return;
    if (locate(&source, from, path) && !raw_stat(source.path, &found, 0) && S_ISREG(found.st_mode))
        read_through(&source, &found);
    else if (from == AT_FDCWD && (raw_stat(path, &found, 0) || !S_ISREG(found.st_mode)))
        return;
    one->made = 1;
    one->record = put('w', 0, one->place.path, NULL, 0, NULL, NULL);
}
