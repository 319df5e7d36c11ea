// What the process may still ask the kernel for once everything is open: the calls of a server, and writing in two folders.
// Whoever takes it over by a defect cannot start a program, look into another process or change the system.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel's headers of a build may be older than the kernel that it meets.
struct libc_landlock_ruleset {
    unsigned long long access;
};
struct libc_landlock_folder {
    unsigned long long access;
    int descriptor;
} __attribute__((packed));

#define LIBC_LANDLOCK_CREATE 444
#define LIBC_LANDLOCK_ADD 445
#define LIBC_LANDLOCK_RESTRICT 446
// Execute, write, remove and make; to read is not handled, so it stays allowed as the owner of a file says.
#define LIBC_LANDLOCK_EXECUTE (1ULL << 0)
#define LIBC_LANDLOCK_WRITE (1ULL << 1)
#define LIBC_LANDLOCK_CHANGE (LIBC_LANDLOCK_WRITE | 0x1FF0ULL)

// From now on nobody who this process starts gains rights by starting something. 0 when it is so.
static inline int libc_forbid_new_rights(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// Begins a list of places that may be written to; negative when the kernel has no Landlock.
static inline int libc_begin_places(void) {
    struct libc_landlock_ruleset rules = {LIBC_LANDLOCK_EXECUTE | LIBC_LANDLOCK_CHANGE};
    return (int)syscall(LIBC_LANDLOCK_CREATE, &rules, sizeof rules, 0);
}

// Adds a folder with all below it, or a file; 0 when it is on the list, or not there. In a folder things can be made and
// taken away too, unless it is for devices.
static inline int libc_add_place(int list, const char *path, int isForDevices) {
    struct stat facts;
    int descriptor = open(path, 010000000 /* O_PATH */ | O_CLOEXEC);
    if (descriptor < 0) return errno == ENOENT ? 0 : -1;
    int isFolder = fstat(descriptor, &facts) == 0 && S_ISDIR(facts.st_mode);
    int changes = isFolder && !isForDevices;
    struct libc_landlock_folder rule = {changes ? LIBC_LANDLOCK_CHANGE : LIBC_LANDLOCK_WRITE, descriptor};
    int code = (int)syscall(LIBC_LANDLOCK_ADD, list, 1 /* all below a path */, &rule, 0);
    close(descriptor);
    return code;
}

// Nothing else is written to from now on, and no program is started. 0 when it is so.
static inline int libc_confine_to_places(int list) {
    int code = (int)syscall(LIBC_LANDLOCK_RESTRICT, list, 0);
    close(list);
    return code;
}

#if defined(__x86_64__)
#define LIBC_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define LIBC_AUDIT_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define LIBC_AUDIT_ARCH AUDIT_ARCH_ARM
#endif

// The calls that a running engine makes: those that were seen in its tests, with the forms that other C libraries and
// kernels make of them. For everything else the kernel is as one that does not have it, so a library that knows an older
// way takes that; nothing is killed for it.
//
// Older kernels go through the list at each call, so what is called most stands first.
#ifdef __arm__
#define LIBC_MMAP __NR_mmap2
// With 32 bits of time; where musl has 64 it names these otherwise.
#define LIBC_CLOCK_GETTIME 263
#define LIBC_CLOCK_CALLS 78, 264, 265, 353
#else
#define LIBC_MMAP __NR_mmap
#define LIBC_CLOCK_GETTIME __NR_clock_gettime
#define LIBC_CLOCK_CALLS __NR_gettimeofday, __NR_clock_getres, __NR_clock_nanosleep, __NR_timerfd_settime
#endif
static const unsigned short libc_allowed_calls[] = {
    __NR_epoll_pwait,
#ifdef __NR_epoll_wait
    __NR_epoll_wait,
#endif
    __NR_read, __NR_write, __NR_recvfrom, __NR_recvmsg, __NR_sendmsg, __NR_sendto, __NR_pwrite64, __NR_fdatasync,
    LIBC_CLOCK_GETTIME,
    // Files
    __NR_readv, __NR_writev, __NR_pread64, __NR_preadv, __NR_pwritev, __NR_openat, __NR_close, __NR_fstat, __NR_lseek,
    __NR_faccessat, __NR_fcntl, __NR_flock, __NR_fsync, __NR_ftruncate, __NR_fallocate, __NR_renameat, __NR_renameat2,
    __NR_mkdirat, __NR_unlinkat, __NR_getdents64, __NR_readlinkat, __NR_fchmod, __NR_fchmodat, __NR_fchown, __NR_umask,
    __NR_statfs, __NR_fstatfs, __NR_statx, __NR_getcwd, __NR_dup, __NR_dup3, __NR_pipe2, __NR_ioctl,
    // Memory and threads
    LIBC_MMAP, __NR_munmap, __NR_mprotect, __NR_mremap, __NR_madvise, __NR_msync, __NR_mincore, __NR_brk, __NR_futex,
    __NR_clone, __NR_set_robust_list, __NR_set_tid_address, __NR_sched_yield, __NR_sched_getaffinity, __NR_exit,
    __NR_exit_group, __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_sigaltstack, __NR_tgkill, __NR_tkill,
    __NR_restart_syscall, __NR_prctl,
    // Who, when and how much
    __NR_getpid, __NR_gettid, __NR_getppid, __NR_getuid, __NR_geteuid, __NR_getgid, __NR_getegid, __NR_uname, __NR_sysinfo,
    __NR_prlimit64, __NR_getrusage, __NR_nanosleep, __NR_adjtimex, __NR_getrandom, LIBC_CLOCK_CALLS,
    // The network and the loop
    __NR_socket, __NR_socketpair, __NR_connect, __NR_bind, __NR_listen, __NR_accept, __NR_accept4, __NR_getsockname,
    __NR_getpeername, __NR_setsockopt, __NR_getsockopt, __NR_shutdown, __NR_sendmmsg, __NR_recvmmsg, __NR_epoll_create1,
    __NR_epoll_ctl, __NR_eventfd2, __NR_ppoll, __NR_pselect6, __NR_timerfd_create,
#ifdef __NR_clone3
    __NR_clone3, __NR_faccessat2, __NR_rseq, __NR_epoll_pwait2, __NR_clock_adjtime,
#endif
#ifdef __x86_64__
    __NR_open, __NR_stat, __NR_lstat, __NR_access, __NR_rename, __NR_mkdir, __NR_rmdir, __NR_unlink, __NR_readlink, __NR_dup2,
    __NR_pipe, __NR_chmod, __NR_poll, __NR_select, __NR_epoll_create, __NR_eventfd, __NR_time, __NR_getrlimit,
    __NR_getdents, __NR_arch_prctl, __NR_newfstatat, __NR_fadvise64,
#endif
#ifdef __aarch64__
    __NR_newfstatat, __NR_fadvise64,
#endif
#ifdef __arm__
    __NR_open, __NR_stat64, __NR_lstat64, __NR_fstat64, __NR_fstatat64, __NR_access, __NR_rename, __NR_mkdir, __NR_rmdir,
    __NR_unlink, __NR_readlink, __NR_dup2, __NR_pipe, __NR_chmod, __NR_poll, __NR__newselect,
    __NR_epoll_create, __NR_eventfd, __NR_ugetrlimit, __NR_getdents, __NR__llseek, __NR_ftruncate64, __NR_fcntl64,
    __NR_statfs64, __NR_fstatfs64, __NR_getuid32, __NR_geteuid32, __NR_getgid32, __NR_getegid32, __NR_fchown32, __NR_sigreturn,
    __NR_send, __NR_recv, __NR_arm_fadvise64_64,
    // With 64 bits of time, as the kernel has them since 5.1
    403, 405, 406, 407, 411, 413, 414, 417, 422,
#endif
};

// Leaves the process these calls. 0 when it is so; else the kernel has no filters, and errno says why.
static inline int libc_confine_calls(void) {
    enum { count = sizeof libc_allowed_calls / sizeof libc_allowed_calls[0] };
    struct sock_filter code[2 * count + 6];
    unsigned short length = 0;
    code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LIBC_AUDIT_ARCH, 1, 0);
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int index = 0; index < count; index++) {
        code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, libc_allowed_calls[index], 0, 1);
        code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    struct sock_fprog program = {length, code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

// Whether a call that is not on the list is refused: to make a space of names that are shared with nobody, but of nothing.
static inline int libc_is_confined_to_calls(void) { return syscall(__NR_unshare, 0) != 0 && errno == ENOSYS; }

// Whether writing elsewhere is refused: the name of the process is its own, and lies in none of the places.
static inline int libc_is_confined_to_places(void) {
    int descriptor = open("/proc/self/comm", O_WRONLY | O_CLOEXEC);
    if (descriptor >= 0) close(descriptor);
    return descriptor < 0 && errno == EACCES;
}
