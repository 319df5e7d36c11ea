// The C library for Swift without a C library overlay: variadic functions, macros and errno made callable.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <limits.h>
#include <locale.h>
#include <link.h>
#include <linux/watchdog.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <wchar.h>

// Past the system's cache, in whole sectors; the C libraries differ in whom they show the name.
#ifndef O_DIRECT
#define O_DIRECT __O_DIRECT
#endif
static const int libc_direct = O_DIRECT;

static inline int libc_errno(void) { return errno; }

static inline int libc_open(const char *path, int flags, unsigned mode) { return open(path, flags | O_CLOEXEC, mode); }

// Octets of the path with all links followed; 0 when there is nothing, or no room for it.
static inline int libc_real_path(const char *path, unsigned char *text, unsigned long capacity) {
    char real[PATH_MAX];
    if (realpath(path, real) == NULL || strlen(real) > capacity) return 0;
    memcpy(text, real, strlen(real));
    return (int)strlen(real);
}

// 1 for a file of this user that nobody else may write and that has no other name, 0 for anything else, -1 for nothing.
static inline int libc_is_own_file(const char *path) {
    struct stat facts;
    if (lstat(path, &facts) != 0) return -1;
    return S_ISREG(facts.st_mode) && facts.st_uid == geteuid() && facts.st_nlink == 1 && (facts.st_mode & 022) == 0;
}

static inline int libc_flock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }

// Octets that an ordinary user may still write to the volume of a file; the highest number when nobody knows.
static inline unsigned long long libc_volume_free(int descriptor) {
    struct statvfs facts;
    if (fstatvfs(descriptor, &facts) != 0) return ~0ull;
    return (unsigned long long)facts.f_bavail * facts.f_frsize;
}

// The same for the volume of a path.
static inline unsigned long long libc_volume_free_at(const char *path) {
    struct statvfs facts;
    if (statvfs(path, &facts) != 0) return ~0ull;
    return (unsigned long long)facts.f_bavail * facts.f_frsize;
}

// Octets of the volume of a path; 0 when nobody knows.
static inline unsigned long long libc_volume_size_at(const char *path) {
    struct statvfs facts;
    if (statvfs(path, &facts) != 0) return 0;
    return (unsigned long long)facts.f_blocks * facts.f_frsize;
}

// Whether a file that was opened for writing can be mapped shared, as LMDB needs it. JFFS2 cannot.
static inline int libc_can_map_shared(int descriptor) {
    void *memory = mmap(0, 4096, PROT_READ, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) return 0;
    munmap(memory, 4096);
    return 1;
}

// Whether a path lies on a RAM disk.
static inline int libc_is_memory_volume(const char *path) {
    struct statfs facts;
    if (statfs(path, &facts) != 0) return 0;
    return (unsigned)facts.f_type == 0x01021994u || (unsigned)facts.f_type == 0x858458F6u;
}

// 1 when the kernel says that the clock is synchronised, else 0.
static inline int libc_clock_is_synchronised(void) {
    struct timex state;
    memset(&state, 0, sizeof state);
    return adjtimex(&state) != TIME_ERROR && adjtimex(&state) >= 0;
}

static inline unsigned long long libc_seconds_since_1970(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec < 0 ? 0 : (unsigned long long)now.tv_sec;
}

// Opens a serial line as it is, without an echo or anything else in between; negative when that is not possible.
static inline int libc_open_serial(const char *path, unsigned baud) {
    int descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) return -1;
    struct termios line;
    if (tcgetattr(descriptor, &line) != 0) {
        close(descriptor);
        errno = ENOTTY;
        return -1;
    }
    cfmakeraw(&line);
    line.c_cflag |= CLOCAL | CREAD;
    speed_t speed = baud == 9600 ? B9600 : baud == 19200 ? B19200 : baud == 38400 ? B38400 : baud == 57600 ? B57600 : B115200;
    cfsetispeed(&line, speed);
    cfsetospeed(&line, speed);
    tcsetattr(descriptor, TCSANOW, &line);
    tcflush(descriptor, TCIOFLUSH);
    return descriptor;
}

// What the local time is ahead of UTC now, in minutes.
static inline int libc_utc_offset_minutes(void) {
    time_t now = time(NULL);
    struct tm local;
    return localtime_r(&now, &local) ? (int)(local.tm_gmtoff / 60) : 0;
}

// Microseconds of processor time of this process.
static inline unsigned long long libc_cpu_microseconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (unsigned long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000ull +
           (unsigned long long)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static inline unsigned long long libc_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
    return limit.rlim_cur == RLIM_INFINITY ? 65536 : (unsigned long long)limit.rlim_cur;
}

// Opens a datagram socket to the system's log; -1 when there is none.
static inline int libc_open_syslog(void) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, "/dev/log");
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static inline long libc_send(int descriptor, const void *octets, unsigned long count) {
    return (long)send(descriptor, octets, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Turns the echo of a terminal on or off; 0 when it is one.
static inline int libc_set_echo(int descriptor, int on) {
    struct termios settings;
    if (tcgetattr(descriptor, &settings) != 0) return -1;
    if (on) settings.c_lflag |= ECHO;
    else settings.c_lflag &= ~(tcflag_t)ECHO;
    return tcsetattr(descriptor, TCSAFLUSH, &settings);
}

static inline void libc_write_error(const void *octets, unsigned long count) {
    ssize_t result = write(2, octets, count);
    (void)result;
}

// Broken pipes are errors of write, and whoever started this process has no say in which signals reach it.
static inline void libc_prepare_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, 0);
    signal(SIGPIPE, SIG_IGN);
}

// The name has to live as long as the table: a constant.
static inline struct option libc_option(const char *name, int takes_argument, int value) {
    struct option entry = {name, takes_argument ? required_argument : no_argument, 0, value};
    return entry;
}

// getopt tells where it is through variables, which Swift takes for a race.
static inline const char *libc_option_value(void) { return optarg; }
static inline int libc_option_index(void) { return optind; }

// A socket whose descriptor is at least that high; -1 when there is none.
static inline int libc_high_socket(int least) {
    int low = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (low < 0) return -1;
    int high = fcntl(low, F_DUPFD_CLOEXEC, least);
    close(low);
    return high;
}

// Zero pages of this process; null when there is no memory.
static inline void *libc_map_zeros(unsigned long count) {
    void *memory = mmap(0, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? 0 : memory;
}

// Octets that are allocated on the heap; 0 where the C library does not count them.
#ifdef __GLIBC__
#include <malloc.h>
static inline unsigned long libc_heap_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
#else
static inline unsigned long libc_heap_bytes(void) { return 0; }
#endif

// Connects a stream socket to a path; -1 with errno set when nobody listens there.
static inline int libc_connect_path(const char *path) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

// Connects to a host by name or number, without delay for small messages; -1 when no address answers.
static inline int libc_connect_host(const char *host, const char *port, int seconds) {
    struct addrinfo hints, *list = 0;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &hints, &list) != 0) return -1;
    int descriptor = -1;
    for (struct addrinfo *entry = list; entry && descriptor < 0; entry = entry->ai_next) {
        descriptor = socket(entry->ai_family, entry->ai_socktype | SOCK_CLOEXEC, entry->ai_protocol);
        if (descriptor < 0) continue;
        struct timeval limit = {seconds, 0};
        int on = 1;
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        setsockopt(descriptor, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
        if (connect(descriptor, entry->ai_addr, entry->ai_addrlen) != 0) {
            close(descriptor);
            descriptor = -1;
        }
    }
    freeaddrinfo(list);
    return descriptor;
}

// Waits for one of two descriptors, negative ones left out: 1 and 2 for those that can be read, 0 when the time is over,
// negative for a signal or an error.
static inline int libc_wait_readable(int first, int second, int milliseconds) {
    struct pollfd entries[] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
    int count = poll(entries, 2, milliseconds);
    if (count <= 0) return count;
    return (entries[0].revents ? 1 : 0) | (entries[1].revents ? 2 : 0);
}

// Opens a socket for datagrams from anywhere at a free port; -1 when there is none.
static inline int libc_open_datagrams(unsigned short *port) {
    struct sockaddr_in6 address;
    memset(&address, 0, sizeof address);
    address.sin6_family = AF_INET6;
    int both = 0, descriptor = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0) {
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both);
    } else {
        // A kernel without IPv6.
        address.sin6_family = AF_INET;
        descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
    socklen_t size = address.sin6_family == AF_INET6 ? sizeof address : sizeof(struct sockaddr_in);
    if (descriptor < 0) return -1;
    if (bind(descriptor, (struct sockaddr *)&address, size) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &size) != 0) {
        close(descriptor);
        return -1;
    }
    // The port has the same place for both families.
    *port = ntohs(address.sin6_port);
    return descriptor;
}

// Single characters without echo, or lines as before.
static inline int libc_set_raw(int descriptor, int on) {
    static struct termios before;
    if (!on) return tcsetattr(descriptor, TCSADRAIN, &before);
    if (tcgetattr(descriptor, &before) != 0) return -1;
    struct termios raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(descriptor, TCSADRAIN, &raw);
}

// Writes seconds since 1970 as local time, with the day unless it is today. Returns the count.
static inline unsigned long libc_local_time(unsigned long long seconds, char *text, unsigned long size) {
    time_t now = time(0), moment = (time_t)seconds;
    struct tm today, local;
    if (!localtime_r(&now, &today) || !localtime_r(&moment, &local)) return 0;
    int same = today.tm_yday == local.tm_yday && today.tm_year == local.tm_year;
    return strftime(text, size, same ? "%H:%M" : "%Y-%m-%d %H:%M", &local);
}

// Has the library know the characters of UTF-8.
static inline void libc_set_characters(void) {
    if (!setlocale(LC_CTYPE, "C.UTF-8")) setlocale(LC_CTYPE, "");
}

// Columns that a character takes in a terminal; negative for none that is shown.
extern int wcwidth(wchar_t character);
static inline int libc_width(unsigned character) { return wcwidth((wchar_t)character); }

// Columns of a terminal; 80 when nobody knows.
static inline int libc_columns(int descriptor) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

// The identity of this build that the linker wrote into the file, which its symbol file is named after; returns octets.
extern const ElfW(Ehdr) __ehdr_start __attribute__((weak, visibility("hidden")));
static inline unsigned long libc_build_id(unsigned char *octets, unsigned long count_max) {
    if (!&__ehdr_start) return 0;
    const char *file = (const char *)&__ehdr_start;
    const ElfW(Phdr) *segments = (const ElfW(Phdr) *)(file + __ehdr_start.e_phoff);
    unsigned long first = 0;
    for (int index = 0; index < __ehdr_start.e_phnum; index++)
        if (segments[index].p_type == PT_LOAD && segments[index].p_offset == 0) first = segments[index].p_vaddr;
    for (int index = 0; index < __ehdr_start.e_phnum; index++) {
        if (segments[index].p_type != PT_NOTE) continue;
        const char *note = file + (segments[index].p_vaddr - first), *end = note + segments[index].p_memsz;
        while (note + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *head = (const ElfW(Nhdr) *)note;
            const char *name = note + sizeof *head, *text = name + ((head->n_namesz + 3) & ~3u);
            if (head->n_type == 3 && head->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
                unsigned long count = head->n_descsz < count_max ? head->n_descsz : count_max;
                memcpy(octets, text, count);
                return count;
            }
            note = text + ((head->n_descsz + 3) & ~3u);
        }
    }
    return 0;
}

// Who is told of a fatal signal: its number, where the program was, and the address it wanted.
typedef void (*libc_fatal_handler)(int signal, unsigned long place, unsigned long address);

static inline libc_fatal_handler *libc_fatal_slot(void) {
    static libc_fatal_handler handler;
    return &handler;
}

static inline void libc_fatal_arrived(int number, siginfo_t *facts, void *state) {
    ucontext_t *context = (ucontext_t *)state;
#if defined(__aarch64__)
    unsigned long place = context->uc_mcontext.pc;
#elif defined(__arm__)
    unsigned long place = context->uc_mcontext.arm_pc;
#elif defined(__x86_64__)
    unsigned long place = (unsigned long)context->uc_mcontext.gregs[16];
#else
    unsigned long place = 0;
#endif
    (*libc_fatal_slot())(number, place, (unsigned long)facts->si_addr);
    // The handler is gone already: this time the signal does what it does.
    raise(number);
}

// Has the handler called on a stack of its own, once, for the signals that mean a defect.
static inline void libc_catch_fatal(void *stack, unsigned long count, libc_fatal_handler handler) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE};
    stack_t alternative = {.ss_sp = stack, .ss_size = count};
    sigaltstack(&alternative, 0);
    *libc_fatal_slot() = handler;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = libc_fatal_arrived;
    action.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
    for (unsigned index = 0; index < sizeof numbers / sizeof *numbers; index++) sigaction(numbers[index], &action, 0);
}

// Opens a datagram socket to the supervisor that NOTIFY_SOCKET names; -1 when there is none.
static inline int libc_open_notify(void) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (!path || !*path || strlen(path) >= sizeof address.sun_path) return -1;
    unsigned long count = strlen(path);
    memcpy(address.sun_path, path, count);
    if (*path == '@') address.sun_path[0] = 0;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    if (connect(descriptor, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count)) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

// Microseconds after which the supervisor takes this process for stuck; 0 when it does not watch it.
static inline unsigned long long libc_watchdog_microseconds(void) {
    const char *process = getenv("WATCHDOG_PID"), *microseconds = getenv("WATCHDOG_USEC");
    if (process && atol(process) != getpid()) return 0;
    return microseconds ? strtoull(microseconds, 0, 10) : 0;
}

// Seconds that a watchdog device waits; 0 when it does not tell.
static inline int libc_watchdog_timeout(int descriptor) {
    int seconds = 0;
    return ioctl(descriptor, WDIOC_GETTIMEOUT, &seconds) == 0 ? seconds : 0;
}

// What this machine is called; 0 when it is.
static inline int libc_host_name(char *text, size_t size) { return gethostname(text, size - 1); }

// The text of one of this machine's addresses by which others reach it, counted from 0; 0 when there is no other.
static inline int libc_own_address(int number, char *text, size_t size) {
    struct ifaddrs *list = 0;
    if (getifaddrs(&list) != 0) return 0;
    int isFound = 0;
    for (struct ifaddrs *entry = list; entry && !isFound; entry = entry->ifa_next) {
        if (!entry->ifa_addr || entry->ifa_flags & IFF_LOOPBACK) continue;
        int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)entry->ifa_addr;
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)entry->ifa_addr;
        if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) continue;
        if (number-- > 0) continue;
        const void *address = family == AF_INET ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr;
        isFound = inet_ntop(family, address, text, (socklen_t)size) != 0;
    }
    freeifaddrs(list);
    return isFound;
}

// Whether others than its owner may read a file: 1 or 0; -1 when there is none.
static inline int libc_is_open_to_others(const char *path) {
    struct stat facts;
    if (stat(path, &facts) != 0) return -1;
    return (facts.st_mode & 077) != 0;
}

// Zero pages that this process has in common with its children; null when there is no memory.
static inline void *libc_map_common(unsigned long count) {
    void *memory = mmap(0, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? 0 : memory;
}

// Begins a child that may die of what it reads: as `fork`, but the child ends with the parent, after some seconds, and
// without a word.
static inline int libc_begin_child(unsigned seconds) {
    pid_t parent = getpid(), child = fork();
    if (child != 0) return child;
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGALRM, SIGTERM, SIGINT};
    for (unsigned index = 0; index < sizeof numbers / sizeof *numbers; index++) signal(numbers[index], SIG_DFL);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    alarm(seconds);
    return 0;
}

static inline void libc_end_child(int code) { _exit(code); }

// Waits for a child: the code with which it ended, or the negative number of the signal that ended it.
static inline int libc_await_child(int child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -SIGKILL;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#include "confine.h"
