/* What a program takes from the system around it: libraries, variables, locale and time zone. */
#include "doors.h"

/* -- libraries: those of the start, and those loaded later ------------------------------------- */

static int begun;                      /* the program has said who it is */
static int opened;                     /* libraries were opened by name */
static int closing;                    /* some are being closed: their list isn't walked meanwhile */

static __attribute__((noinline)) void loaded(const void *caller, const char *path, int blind) {
    struct place place;
    struct stat found;
    int error = errno;
    if (locate(&place, AT_FDCWD, path ? path : "")) {
        if (strchr(path, '/') && !(hooked && by_interpreter(caller)) &&
            !raw_stat(place.path, &found, 0) && S_ISREG(found.st_mode))
            read_through(&place, &found);
        if (blind || (strchr(path, '/') && inspect(place.path, 0) == GO))
            put('g', 0, place.path, NULL, 0, NULL, NULL);
    }
    errno = error;
}

/* Log the libraries that weren't there at the last look. The loader tells nobody which it opened for
 * another one's sake, so its list is read: without its lock, which a fork may have left taken. */
static void objects(void) {
    static const struct link_map *last;
    static ElfW(Addr) last_at;
    char names[4096];
    size_t size = 0;
    int error = errno, most = 16384;
    const struct link_map *one = _r_debug.r_map, *from = one;
    fresh = 0;
    if (inert || __atomic_load_n(&closing, __ATOMIC_ACQUIRE))
        return;
    for (; one && most; one = one->l_next, most--)
        if (one == last && one->l_addr == last_at) {
            from = one->l_next;
            break;
        }
    for (one = from; one && most && readable(one) && is_text(one->l_name); one = one->l_next, most--) {
        const char *name = one->l_name;
        size_t more = strlen(name) + 1;
        last = one;
        last_at = one->l_addr;
        if (!strchr(name, '/') || !strncmp(name, library, strlen(library)))
            continue;
        if (!of_system(name) || !strncmp(name, root, root_size)) {
            loaded(NULL, name, 0);
            continue;
        }
        if (again(hash_of(name), 'L'))
            continue;
        if (size + more > sizeof names) {
            put('L', !begun, NULL, names, size, NULL, NULL);
            size = 0;
        }
        if (more <= sizeof names) {
            memcpy(names + size, name, more);
            size += more;
        }
    }
    if (size)
        put('L', !begun, NULL, names, size, NULL, NULL);
    errno = error;
}

/* What is opened now, with all that it needs, is known when this thread comes to a door again. */
static __attribute__((noinline)) void opens(void) {
    if (fresh)
        objects();
    __atomic_store_n(&opened, 1, __ATOMIC_RELAXED);
    fresh = 1;
}

/* A jump, since where it is called from tells the loader where to look. */
DOOR void *dlopen(const char *path, int flags) {
    loaded(CALLER, path, (flags & RTLD_DEEPBIND) != 0);
    opens();
    return REAL(dlopen)(path, flags);
}

DOOR void *dlmopen(Lmid_t space, const char *path, int flags) {
    loaded(CALLER, path, space != LM_ID_BASE);
    opens();
    return REAL(dlmopen)(space, path, flags);
}

DOOR int dlclose(void *handle) {
    if (fresh)
        objects();
    __atomic_fetch_add(&closing, 1, __ATOMIC_ACQ_REL);
    int result = REAL(dlclose)(handle);
    __atomic_fetch_sub(&closing, 1, __ATOMIC_ACQ_REL);
    return result;
}

/* -- variables: names alone, never what they hold ----------------------------------------------- */

static char early[2048]; /* asked for before we begin: constructors of libraries come first */
static size_t early_size;

static void asked(const void *caller, const char *name, int how) {
    size_t size = strlen(name) + 1;
    if (!begun && !how) {
        if (early_size + size <= sizeof early) {
            memcpy(early + early_size, name, size);
            early_size += size;
        }
    } else if (!inert && *name && size <= 256 && !(core_from && by_interpreter(caller)) &&
               !again(hash_of(name), '$')) {
        int error = errno;
        put('$', how, name, NULL, 0, NULL, NULL);
        errno = error;
    }
}

static void asked_early(void) {
    begun = 1;
    for (size_t at = 0; at < early_size; at += strlen(early + at) + 1)
        asked(NULL, early + at, 0);
}

/* Looked up here and not by the C library's own: a memory allocator may ask before that is found. */
static char *variable(const char *name) {
    size_t size = strlen(name);
    for (char **one = environ; size && one && *one; one++)
        if (!strncmp(*one, name, size) && (*one)[size] == '=')
            return *one + size + 1;
    return NULL;
}
DOOR char *getenv(const char *name) {
    asked(CALLER, name, 0);
    return variable(name);
}
DOOR char *secure_getenv(const char *name) {
    asked(CALLER, name, 0);
    return variable(name); /* into programs with rights of another, the library isn't loaded */
}

/* By these the C library asks by itself: `how` is what for. */
DOOR char *setlocale(int category, const char *locale) {
    if (locale && !*locale)
        asked(CALLER, "LC_ALL", 2 + category);
    return REAL(setlocale)(category, locale);
}
DOOR locale_t newlocale(int mask, const char *locale, locale_t base) {
    if (locale && !*locale)
        asked(CALLER, "LC_ALL", 2 + LC_ALL);
    return REAL(newlocale)(mask, locale, base);
}
#define ZONE(result, name, given, passed)                                                          \
    DOOR result name given {                                                                       \
        asked(CALLER, "TZ", 1);                                                                    \
        return REAL(name) passed;                                                                  \
    }
ZONE(struct tm *, localtime, (const time_t *time), (time))
ZONE(struct tm *, localtime_r, (const time_t *time, struct tm *to), (time, to))
ZONE(time_t, mktime, (struct tm *time), (time))
ZONE(char *, ctime, (const time_t *time), (time))
ZONE(void, tzset, (void), ())
