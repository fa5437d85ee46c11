/* Log what this process touches, at the C library's doors; loaded by LD_PRELOAD.
 *
 * It runs inside other people's programs, between any two of their instructions. Its rules:
 *
 * - errno, results and the environment that the program sees are as without it. Our entries in
 *   LD_PRELOAD and PYTHONPATH are taken out at the start and put back into what is exec'd.
 * - A record goes into memory shared with provgraph: nothing is lost by _exit, abort or kill -9,
 *   no descriptor is held, nothing is allocated, no lock is taken. So it works in threads, signal
 *   handlers, forked and vforked children alike.
 * - What changes a file is logged before it is done, and struck out where it failed.
 * - Whatever it can't log it counts as lost; whatever it can't see it says.
 *
 * ring.py holds the other side of `struct head` and `struct record`.
 */
#include "network.h"

/* -- other programs ---------------------------------------------------------------------------- */

static int by_execve(const struct start *one) {
    return REAL(execve)(one->file, one->argv, one->environment);
}
static int by_execvpe(const struct start *one) {
    return REAL(execvpe)(one->file, one->argv, one->environment);
}
static int by_fexecve(const struct start *one) {
    return REAL(fexecve)(one->descriptor, one->argv, one->environment);
}
static int by_execveat(const struct start *one) {
    return REAL(execveat)(one->descriptor, one->file, one->argv, one->environment, one->flags);
}
static int by_spawn(const struct start *one) {
    return (one->searched ? REAL(posix_spawnp) : REAL(posix_spawn))(
        one->pid, one->file, one->actions, one->attributes, one->argv, one->environment);
}

#define LAUNCH(how, name, words, variables, ...)                                                   \
    launch((struct start){.call = how, .file = name, .argv = words, .environment = variables,      \
                          __VA_ARGS__})
#define HERE .descriptor = AT_FDCWD

DOOR int execve(const char *path, char *const argv[], char *const envp[]) {
    return LAUNCH(by_execve, path, argv, envp, HERE);
}
DOOR int execv(const char *path, char *const argv[]) {
    return LAUNCH(by_execve, path, argv, environ, HERE);
}
DOOR int execvpe(const char *file, char *const argv[], char *const envp[]) {
    return LAUNCH(by_execvpe, file, argv, envp, HERE, .searched = 1);
}
DOOR int execvp(const char *file, char *const argv[]) {
    return LAUNCH(by_execvpe, file, argv, environ, HERE, .searched = 1);
}
DOOR int fexecve(int descriptor, char *const argv[], char *const envp[]) {
    return LAUNCH(by_fexecve, "", argv, envp, .descriptor = descriptor);
}
DOOR int execveat(int at, const char *path, char *const argv[], char *const envp[], int flags) {
    return LAUNCH(by_execveat, path, argv, envp, .descriptor = at, .flags = flags);
}

#define EXECL(name, how, wanted, variables, ...)                                                   \
    DOOR int name(const char *path, const char *first, ...) {                                      \
        size_t count = 0;                                                                          \
        va_list list, copy;                                                                        \
        va_start(list, first);                                                                     \
        va_copy(copy, list);                                                                       \
        for (const char *word = first; word; word = va_arg(copy, const char *))                    \
            count++;                                                                               \
        va_end(copy);                                                                              \
        char *argv[count + 1];                                                                     \
        argv[0] = (char *)(uintptr_t)first;                                                        \
        for (size_t at = 1; at <= count; at++)                                                     \
            argv[at] = va_arg(list, char *);                                                       \
        char *const *given = variables;                                                            \
        va_end(list);                                                                              \
        return LAUNCH(how, path, argv, given, HERE, .searched = wanted);                           \
    }
EXECL(execl, by_execve, 0, environ)
EXECL(execlp, by_execvpe, 1, environ)
EXECL(execle, by_execve, 0, va_arg(list, char **))

DOOR int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
    pid_t own;
    return LAUNCH(by_spawn, path, argv, envp, HERE, .pid = pid ? pid : &own, .actions = actions,
                  .attributes = attributes);
}
DOOR int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
    pid_t own;
    return LAUNCH(by_spawn, file, argv, envp, HERE, .searched = 1, .pid = pid ? pid : &own,
                  .actions = actions, .attributes = attributes);
}

/* The C library's own starts its shell with the environment as it is: without our entries. */
DOOR int system(const char *command) {
    struct sigaction ignored = {.sa_handler = SIG_IGN}, interrupt, quit;
    sigset_t held, mask, plain;
    posix_spawnattr_t attributes;
    const char *argv[] = {"sh", "-c", command, NULL};
    pid_t pid;
    int status = 127 << 8;
    if (!command)
        return system("exit 0") == 0;
    sigemptyset(&ignored.sa_mask);
    sigaction(SIGINT, &ignored, &interrupt);
    sigaction(SIGQUIT, &ignored, &quit);
    sigemptyset(&held);
    sigaddset(&held, SIGCHLD);
    sigprocmask(SIG_BLOCK, &held, &mask);
    sigemptyset(&plain);
    if (interrupt.sa_handler != SIG_IGN)
        sigaddset(&plain, SIGINT);
    if (quit.sa_handler != SIG_IGN)
        sigaddset(&plain, SIGQUIT);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &mask);
    posix_spawnattr_setsigdefault(&attributes, &plain);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (!posix_spawn(&pid, "/bin/sh", NULL, &attributes, (char *const *)(uintptr_t)argv, environ)) {
        int done;
        do
            done = waitpid(pid, &status, 0);
        while (done < 0 && errno == EINTR);
        if (done < 0)
            status = -1;
    }
    posix_spawnattr_destroy(&attributes);
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return status;
}

/* For a moment the environment is a copy of itself with our entries: what reads it sees the same. */
#define WITH_OURS(call)                                                                            \
    char **before = environ, **ours = before;                                                      \
    if (!inert && length(before) < 16384 && room(before) < 65536 && inspect("/bin/sh", 0) == FINE) \
        ours = with_ours(before, __builtin_alloca((length(before) + 3) * sizeof *ours),            \
                         __builtin_alloca(room(before)), 1);                                       \
    environ = ours;                                                                                \
    call;                                                                                          \
    if (environ == ours)                                                                           \
        environ = before

DOOR FILE *popen(const char *command, const char *mode) {
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    struct record *record = inert ? NULL : told(argv, 'S', FINE, "/bin/sh", NULL);
    FILE *result;
    WITH_OURS(result = REAL(popen)(command, mode));
    if (!result)
        strike(record);
    return result;
}

DOOR int wordexp(const char *words, wordexp_t *to, int flags) {
    int result;
    if (!inert && strpbrk(words, "*?["))
        put('g', 0, words, NULL, 0, NULL, NULL);
    WITH_OURS(result = REAL(wordexp)(words, to, flags));
    return result;
}

/* -- who is who: forks, ends, and what programs share beside files ------------------------------- */

static void forked(void) {
    if (!inert)
        put('k', (int)RAW3(SYS_getppid, 0, 0, 0), NULL, NULL, 0, NULL, NULL);
}

static void before_fork(void) {
    if (fresh)
        objects(); /* the child has them, and may go on without coming to a door */
}

static void ends(int status) {
    int error = errno;
    if (!inert && __atomic_load_n(&opened, __ATOMIC_RELAXED))
        objects();
    if (!inert)
        put('q', status, NULL, NULL, 0, NULL, NULL);
    errno = error;
}
static void ended(int status, void *nothing) {
    (void)nothing;
    ends(status);
}
DOOR void _exit(int status) {
    ends(status);
    REAL(_exit)(status);
    __builtin_unreachable();
}
DOOR void _Exit(int status) {
    ends(status);
    REAL(_Exit)(status);
    __builtin_unreachable();
}

DOOR int shm_open(const char *name, int flags, mode_t mode) {
    int result = REAL(shm_open)(name, flags, mode);
    shares(name, result < 0);
    return result;
}
DOOR int shmget(key_t key, size_t size, int flags) {
    int result = REAL(shmget)(key, size, flags);
    shares("System V", result < 0);
    return result;
}
DOOR mqd_t mq_open(const char *name, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    struct mq_attr *attributes = va_arg(list, struct mq_attr *);
    va_end(list);
    mqd_t result = REAL(mq_open)(name, flags, mode, attributes);
    shares(name, result == (mqd_t)-1);
    return result;
}

/* What this program was handed open by who started it: pipes, sockets, redirected files. */
static void handed(void) {
    char text[PATH_MAX];
    struct stat found;
    for (int descriptor = 0; descriptor < 64; descriptor++) {
        long flags = RAW3(SYS_fcntl, descriptor, F_GETFL, 0);
        if (flags < 0)
            continue;
        long size = path_of(descriptor, text);
        if (size <= 0)
            continue;
        text[size] = 0;
        int file = !RAW3(SYS_fstat, descriptor, &found, 0) && S_ISREG(found.st_mode);
        if (*text == '/' && !file && !S_ISFIFO(found.st_mode) && descriptor > 2)
            continue; /* a terminal, a device, a directory: as a standard one, it says what is none */
        put('f', (int)(descriptor << 2 | (flags & O_ACCMODE)), text, NULL, 0, NULL, file ? &found : NULL);
        if (file && (flags & O_ACCMODE) != O_WRONLY)
            mark(head->read, hash_of(text)); /* a redirection: it was opened before anybody watched */
    }
}

/* -- what we can't follow ---------------------------------------------------------------------- */

/* From here on a call of ours that the program doesn't make itself could kill it (seccomp), or its
 * paths mean other files than ours. */
static void sandboxed(void) {
    if (!inert)
        put('s', 0, "sandbox", NULL, 0, NULL, NULL);
    inert = 1;
}

DOOR int chroot(const char *path) {
    int result = REAL(chroot)(path);
    if (!result)
        sandboxed();
    return result;
}

DOOR int unshare(int flags) {
    if (flags & CLONE_NEWNS)
        sandboxed();
    return REAL(unshare)(flags);
}

DOOR int setns(int descriptor, int kind) {
    sandboxed();
    return REAL(setns)(descriptor, kind);
}

DOOR int prctl(int option, ...) {
    va_list list;
    va_start(list, option);
    unsigned long a = va_arg(list, unsigned long), b = va_arg(list, unsigned long);
    unsigned long c = va_arg(list, unsigned long), d = va_arg(list, unsigned long);
    va_end(list);
    if (option == PR_SET_SECCOMP)
        sandboxed();
    return REAL(prctl)(option, a, b, c, d);
}

DOOR long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
    long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
    va_end(list);
    if (number == SYS_seccomp || number == SYS_chroot || number == SYS_pivot_root ||
        number == SYS_setns || (number == SYS_unshare && (a & CLONE_NEWNS)))
        sandboxed();
    else if (number == SYS_execve)
        return execve((const char *)a, (char *const *)b, (char *const *)c);
    else if (number == SYS_openat)
        return openat((int)a, (const char *)b, (int)c, (mode_t)d);
    else if (number == SYS_connect)
        return connect((int)a, (const struct sockaddr *)b, (socklen_t)c);
    else if (number == SYS_statx) {
        long result = REAL(syscall)(number, a, b, c, d, e, f);
        looked(CALLER, (int)a, (const char *)b, result != 0);
        return result;
    } else if ((number == SYS_openat2 || number == SYS_execveat || number == SYS_io_uring_setup) && !inert)
        put('s', 0, number == SYS_io_uring_setup ? "io-uring" : "syscall", NULL, 0, NULL, NULL);
    return REAL(syscall)(number, a, b, c, d, e, f);
}

/* -- the start --------------------------------------------------------------------------------- */

static int find_core(struct dl_phdr_info *info, size_t size, void *wanted) {
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        char *from = (char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        char *to = from + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && from <= (char *)wanted && (char *)wanted < to)
            core_from = from, core_to = to;
    }
    return 0;
}

/* Take our entries out of the environment, in place, so that nothing is allocated; tells whether
 * the library was among them: whether it watches this process, or is only asked something. */
static int hide(int python) {
    size_t ours = strlen(library), mark = strlen(hook);
    char **to = environ;
    int preloaded = 0;
    for (char **one = environ; one && *one; one++) {
        char *value = strchr(*one, '='), *at;
        int keep = 1;
        if (value && !strncmp(*one, "LD_PRELOAD=", 11) && (at = strstr(++value, library)) &&
            (at == value || at[-1] == ':') && (!at[ours] || at[ours] == ':')) {
            preloaded = 1;
            keep = at > value || at[ours];
            if (at > value)
                memmove(at - 1, at + ours, strlen(at + ours) + 1);
            else if (at[ours])
                memmove(at, at + ours + 1, strlen(at + ours));
        } else if (!python && mark && value && !strncmp(*one, "PYTHONPATH=", 11) &&
                   !strncmp(value + 1, hook, mark)) {
            at = value + 1 + mark;
            keep = *at != 0;
            if (*at == ':' || *at == '/')
                memmove(value + 1, at + 1, strlen(at));
        }
        if (keep)
            *to++ = *one;
    }
    if (to)
        *to = NULL;
    return preloaded;
}

/* For provgraph itself, which starts the first program of a run: the verdict on it, or -1 where
 * strace is to be put in front of it. */
DOOR int provgraph_inspect(const char *path, char *const argv[]) {
    struct start one = {.file = path, .argv = argv, HERE};
    int verdict = head ? inspect(path, 0) : UNABLE;
    return head && may_trace(verdict, path, &one) ? -1 : verdict;
}

__attribute__((constructor)) static void begin(int argc, char **argv) {
    int error = errno;
    Dl_info own;
    char text[PATH_MAX], here[PATH_MAX];
    void *python = dlsym(RTLD_DEFAULT, "Py_BytesMain");
    if (!REAL(open) || !dladdr((void *)&begin, &own) || !own.dli_fname || strlen(own.dli_fname) > PATH_MAX - 64)
        return;
    strcpy(ring_path, own.dli_fname);
    strcpy(strrchr(ring_path, '/') ? strrchr(ring_path, '/') : ring_path, "/ring.");
    library = own.dli_fname;
    hook = "";
    head = (struct head *)map_chunk(0, 0);
    if (!head || head->magic != MAGIC) { /* the user, or the root directory, is another now */
        head = NULL;
        hide(1);
        errno = error;
        return;
    }
    const char **names[] = {&root, &spool, &asking, &library, &hook, &every, &strace, &skipped};
    const char *one = head->config;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++, one += strlen(one) + 1) {
        *names[i] = one;
        if (names[i] == &strace) /* a list of its own: the words of strace's command */
            while (*one)
                one += strlen(one) + 1;
    }
    root_size = strlen(root);
    spool_size = strlen(spool);
    strcpy(stpcpy(ring_path, spool), "ring.");
    if (!hide(python != NULL)) {
        errno = error;
        return;
    }
    inert = 0;
    if (python)
        dl_iterate_phdr(find_core, python);
    objects();
    long size = RAW4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", text, PATH_MAX - 1);
    text[size > 0 ? size : 0] = 0;
    if (RAW3(SYS_getcwd, here, PATH_MAX, 0) <= 0)
        *here = 0;
    loaded(NULL, text, 0);
    told(argc ? argv : NULL, 'p', (int)RAW3(SYS_getppid, 0, 0, 0), text, here);
    program = (uint64_t)RAW3(SYS_getpid, 0, 0, 0) * 0x9E3779B97F4A7C15u;
    handed();
    asked_early();
    pthread_atfork(before_fork, NULL, forked);
    on_exit(ended, NULL);
    errno = error;
}
