// Preloaded: ten seconds are an hour.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*next)(clockid_t, struct timespec *);
    static struct timespec begin;
    if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(clock, time);
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && clock != CLOCK_MONOTONIC_COARSE) return result;
    if (!begin.tv_sec) begin = *time;
    long long passed = (time->tv_sec - begin.tv_sec) * 1000000000ll + time->tv_nsec - begin.tv_nsec;
    passed = passed < 0 ? 0 : passed * 360;
    time->tv_sec = begin.tv_sec + (time_t)(passed / 1000000000);
    time->tv_nsec = (long)(passed % 1000000000);
    return result;
}
