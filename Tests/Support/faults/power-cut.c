// Preloaded: the power is cut at the write or flush of number $CUT_AT, counted from the start of the program. What was
// written before and flushed stays; of what was written and not flushed, and of the write of that moment, some sectors are
// on the disk and some are not, as $CUT_SEED says. With $CUT_SEED=0 only the program dies: all that it wrote stays.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SECTOR = 512, RECORDS_MAX = 65536 };

// What a sector had before it was written and not flushed.
struct record {
    dev_t device;
    ino_t file;
    int descriptor;
    off_t place;
    char *before;
};

static struct record records[RECORDS_MAX];
static int record_count;
static long call_count, cut_at;
static pid_t program;
static uint64_t seed;

static ssize_t (*next_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*next_writev)(int, const struct iovec *, int);
static int (*next_fdatasync)(int);
static int (*next_fsync)(int);

__attribute__((constructor)) static void start(void) {
    next_pwrite = dlsym(RTLD_NEXT, "pwrite");
    next_writev = dlsym(RTLD_NEXT, "writev");
    next_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    next_fsync = dlsym(RTLD_NEXT, "fsync");
    program = getpid();
    cut_at = getenv("CUT_AT") ? atol(getenv("CUT_AT")) : 0;
    seed = getenv("CUT_SEED") ? strtoull(getenv("CUT_SEED"), NULL, 10) : 0;
}

static int is_watched(int descriptor, struct stat *facts) {
    return cut_at > 0 && descriptor > 2 && fstat(descriptor, facts) == 0 && S_ISREG(facts->st_mode);
}

static int draw(void) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return seed >> 63;
}

static void die(void) {
    if (seed)
        for (int index = record_count - 1; index >= 0; index--)
            if (draw()) next_pwrite(records[index].descriptor, records[index].before, SECTOR, records[index].place);
    // The power of a child is that of its parent.
    if (getpid() != program) kill(program, SIGKILL);
    raise(SIGKILL);
}

static int is_last(void) { return ++call_count == cut_at; }

// Keeps what lies where something is going to be written.
static void keep(int descriptor, const struct stat *facts, off_t place, size_t count) {
    // What is written by a descriptor that flushes by itself is there when the call returns, and is a sector at most.
    if (!seed || (fcntl(descriptor, F_GETFL) & (O_DSYNC | O_ACCMODE)) != O_RDWR) return;
    off_t end = place + (off_t)count;
    for (place -= place % SECTOR; place < end && record_count < RECORDS_MAX; place += SECTOR) {
        struct record *record = &records[record_count++];
        *record = (struct record){facts->st_dev, facts->st_ino, descriptor, place, NULL};
        if (posix_memalign((void **)&record->before, 4096, SECTOR)) abort();
        memset(record->before, 0, SECTOR);
        pread(descriptor, record->before, SECTOR, place);
    }
}

static void forget(const struct stat *facts) {
    int kept = 0;
    for (int index = 0; index < record_count; index++) {
        if (records[index].device == facts->st_dev && records[index].file == facts->st_ino)
            free(records[index].before);
        else
            records[kept++] = records[index];
    }
    record_count = kept;
}

ssize_t pwrite(int descriptor, const void *octets, size_t count, off_t place) {
    struct stat facts;
    if (is_watched(descriptor, &facts)) {
        keep(descriptor, &facts, place, count);
        if (is_last()) {
            if (seed) next_pwrite(descriptor, octets, count, place);
            die();
        }
    }
    return next_pwrite(descriptor, octets, count, place);
}

ssize_t pwrite64(int descriptor, const void *octets, size_t count, off_t place) {
    return pwrite(descriptor, octets, count, place);
}

ssize_t writev(int descriptor, const struct iovec *parts, int part_count) {
    struct stat facts;
    if (is_watched(descriptor, &facts)) {
        size_t count = 0;
        for (int index = 0; index < part_count; index++) count += parts[index].iov_len;
        keep(descriptor, &facts, lseek(descriptor, 0, SEEK_CUR), count);
        if (is_last()) {
            next_writev(descriptor, parts, part_count);
            die();
        }
    }
    return next_writev(descriptor, parts, part_count);
}

static void flush(int descriptor) {
    struct stat facts;
    if (!is_watched(descriptor, &facts)) return;
    if (is_last()) die();
    forget(&facts);
}

int fdatasync(int descriptor) {
    flush(descriptor);
    return next_fdatasync(descriptor);
}

int fsync(int descriptor) {
    flush(descriptor);
    return next_fsync(descriptor);
}
