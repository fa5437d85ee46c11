/* The hosts that a program talks to, and the names that it looked them up by. */
#include "system.h"

#define MOST_ADDRESSES 64 /* of a name: more are of no use to a program either */

/* Write an address as text, and give its port; -1 where it is none of the internet. */
static int host_of(const struct sockaddr *of, char *name, size_t size) {
    if (of->sa_family == AF_INET) {
        const struct sockaddr_in *one = (const void *)of;
        const unsigned char *at = (const void *)&one->sin_addr;
        snprintf(name, size, "%u.%u.%u.%u", at[0], at[1], at[2], at[3]);
        return ntohs(one->sin_port);
    }
    if (of->sa_family == AF_INET6) {
        const struct sockaddr_in6 *one = (const void *)of;
        const unsigned char *at = (const void *)&one->sin6_addr;
        for (int part = 0, end = 0; part < 16; part += 2)
            end += snprintf(name + end, size - (size_t)end, part ? ":%x" : "%x",
                            (unsigned)at[part] << 8 | at[part + 1]);
        return ntohs(one->sin6_port);
    }
    return -1;
}

/* Give one end of a socket as text, and its port; -1 where there is none of the internet. */
static int end_of(int descriptor, long which, char *name, size_t size) {
    struct sockaddr_storage found;
    socklen_t room = sizeof found;
    if (RAW3(which, descriptor, &found, &room))
        return -1;
    return host_of((const struct sockaddr *)&found, name, size);
}

/* Log a host and a port as `kind`, with a `=` where the host is the machine itself. */
static void met(int kind, int family, const char *name, int port, int self) {
    char key[96], *text = key + strlen(name) + 1;
    snprintf(key, sizeof key, "%s %d%s", name, port, self ? "=" : "");
    if (!again(hash_of(key), kind))
        put(kind, family, name, text, strlen(text), NULL, NULL);
}

/* `to` is where something was sent, so that the kernel has read it. */
static void sent(int descriptor, const struct sockaddr *to, socklen_t size) {
    char name[64], own[64];
    int error = errno;
    if (!inert && to && size >= sizeof(struct sockaddr_in)) {
        int port = host_of(to, name, sizeof name);
        if (port > 0)
            met('c', to->sa_family, name, port,
                end_of(descriptor, SYS_getsockname, own, sizeof own) >= 0 && !strcmp(own, name));
    }
    errno = error;
}

DOOR int connect(int descriptor, const struct sockaddr *to, socklen_t size) {
    int result = REAL(connect)(descriptor, to, size), error = errno;
    char name[128] = "";
    if (!inert && to && (!result || error == EINPROGRESS || error == EAGAIN)) {
        if (to->sa_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path)) {
            size_t room = size - offsetof(struct sockaddr_un, sun_path);
            memcpy(name, ((const struct sockaddr_un *)(const void *)to)->sun_path,
                   room < sizeof name ? room : sizeof name - 1);
            if (*name && !again(hash_of(name), 'c'))
                put('c', to->sa_family, name, NULL, 0, NULL, NULL);
        } else {
            sent(descriptor, to, size);
        }
    }
    errno = error;
    return result;
}

DOOR ssize_t sendto(int descriptor, const void *data, size_t size, int flags,
                    const struct sockaddr *to, socklen_t room) {
    ssize_t result = REAL(sendto)(descriptor, data, size, flags, to, room);
    if (to && (result >= 0 || errno == EINPROGRESS))
        sent(descriptor, to, room);
    return result;
}

DOOR ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    ssize_t result = REAL(sendmsg)(descriptor, message, flags);
    if (result >= 0 && message->msg_name)
        sent(descriptor, message->msg_name, message->msg_namelen);
    return result;
}

DOOR int sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags) {
    int result = REAL(sendmmsg)(descriptor, messages, count, flags);
    for (int at = 0; at < result; at++)
        if (messages[at].msg_hdr.msg_name)
            sent(descriptor, messages[at].msg_hdr.msg_name, messages[at].msg_hdr.msg_namelen);
    return result;
}

/* -- who comes to us ---------------------------------------------------------------------------- */

DOOR int listen(int descriptor, int many) {
    int result = REAL(listen)(descriptor, many), error = errno, port;
    char name[64];
    if (!inert && !result && (port = end_of(descriptor, SYS_getsockname, name, sizeof name)) > 0)
        met('i', 0, name, port, 0);
    errno = error;
    return result;
}

static int taken(int result) {
    char name[64], own[64];
    int error = errno;
    if (!inert && result >= 0 && end_of(result, SYS_getpeername, name, sizeof name) >= 0)
        met('j', 0, name, 0,
            end_of(result, SYS_getsockname, own, sizeof own) >= 0 && !strcmp(own, name));
    errno = error;
    return result;
}
DOOR int accept(int descriptor, struct sockaddr *from, socklen_t *size) {
    return taken(REAL(accept)(descriptor, from, size));
}
DOOR int accept4(int descriptor, struct sockaddr *from, socklen_t *size, int flags) {
    return taken(REAL(accept4)(descriptor, from, size, flags));
}

/* -- names -------------------------------------------------------------------------------------- */

struct addresses {
    size_t size;
    char text[MOST_ADDRESSES * 48];
};

static void add_address(struct addresses *several, const struct sockaddr *one) {
    char name[64];
    if (host_of(one, name, sizeof name) < 0)
        return;
    size_t size = strlen(name);
    if (several->size + size + 1 > sizeof several->text)
        return;
    memcpy(several->text + several->size, name, size);
    several->text[several->size + size] = ' ';
    several->size += size + 1;
}

static void looked_up(const char *name, const struct addresses *several) {
    uint64_t hash = hash_of(name);
    for (size_t at = 0; at < several->size; at++)
        hash = (hash ^ (unsigned char)several->text[at]) * 1099511628211u;
    if (several->size && !again(hash ^ hash >> 29, 'h'))
        put('h', 0, name, several->text, several->size, NULL, NULL);
}

DOOR int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                     struct addrinfo **found) {
    int result = REAL(getaddrinfo)(name, service, hints, found), error = errno;
    struct addresses several;
    several.size = 0;
    if (!inert && !result && name) {
        for (const struct addrinfo *one = *found; one; one = one->ai_next)
            if (one->ai_addr)
                add_address(&several, one->ai_addr);
        looked_up(name, &several);
    }
    errno = error;
    return result;
}

static void found_host(const char *name, const struct hostent *found) {
    struct addresses several;
    int error = errno, lost = h_errno;
    several.size = 0;
    for (char **one = !inert && name && found ? found->h_addr_list : NULL; one && *one; one++) {
        struct sockaddr_in short_one = {.sin_family = AF_INET};
        struct sockaddr_in6 long_one = {.sin6_family = AF_INET6};
        if (found->h_addrtype == AF_INET && found->h_length == sizeof short_one.sin_addr) {
            memcpy(&short_one.sin_addr, *one, sizeof short_one.sin_addr);
            add_address(&several, (const void *)&short_one);
        } else if (found->h_addrtype == AF_INET6 && found->h_length == sizeof long_one.sin6_addr) {
            memcpy(&long_one.sin6_addr, *one, sizeof long_one.sin6_addr);
            add_address(&several, (const void *)&long_one);
        }
    }
    if (several.size)
        looked_up(name, &several);
    errno = error;
    h_errno = lost;
}

DOOR struct hostent *gethostbyname(const char *name) {
    struct hostent *found = REAL(gethostbyname)(name);
    found_host(name, found);
    return found;
}
DOOR struct hostent *gethostbyname2(const char *name, int family) {
    struct hostent *found = REAL(gethostbyname2)(name, family);
    found_host(name, found);
    return found;
}
DOOR int gethostbyname_r(const char *name, struct hostent *to, char *buffer, size_t size,
                         struct hostent **found, int *error) {
    int result = REAL(gethostbyname_r)(name, to, buffer, size, found, error);
    found_host(name, result ? NULL : *found);
    return result;
}
DOOR int gethostbyname2_r(const char *name, int family, struct hostent *to, char *buffer, size_t size,
                          struct hostent **found, int *error) {
    int result = REAL(gethostbyname2_r)(name, family, to, buffer, size, found, error);
    found_host(name, result ? NULL : *found);
    return result;
}
