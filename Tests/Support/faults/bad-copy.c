// Preloaded: of a file that is called store.new the volume gives back something else than it got, once it was flushed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int flushed = -1;

static int is_copy(int descriptor) {
    char link[64], path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, path, sizeof path - 1);
    return count > 10 && !strcmp(path + count - 10, "/store.new");
}

int fsync(int descriptor) {
    int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
    if (is_copy(descriptor)) flushed = descriptor;
    return next(descriptor);
}

ssize_t pread(int descriptor, void *octets, size_t count, off_t place) {
    ssize_t (*next)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread");
    ssize_t got = next(descriptor, octets, count, place);
    if (got > 100 && descriptor == flushed && is_copy(descriptor)) ((char *)octets)[100] ^= 1;
    return got;
}
