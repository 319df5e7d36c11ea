// Preloaded: files under $NO_SHARED_MAPPING cannot be mapped shared, as on JFFS2.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    static void *(*next)(void *, size_t, int, int, int, off_t);
    if (!next) next = dlsym(RTLD_NEXT, "mmap");
    const char *folder = getenv("NO_SHARED_MAPPING");
    if (folder && descriptor >= 0 && (flags & MAP_SHARED)) {
        char link[64], path[512];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t count = readlink(link, path, sizeof path - 1);
        if (count > 0 && (size_t)count > strlen(folder) && strncmp(path, folder, strlen(folder)) == 0) {
            errno = EINVAL;
            return MAP_FAILED;
        }
    }
    return next(address, length, protection, flags, descriptor, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    return mmap(address, length, protection, flags, descriptor, offset);
}
