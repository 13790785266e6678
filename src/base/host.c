/* Tells processes apart by what Linux says of them in /proc; see host.h. */
#include "base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { STAT_MAX = 1024, BEGAN_FIELD = 20 /* behind the name: field 22 of proc(5) */ };

/* The first line of a small file; "" when it cannot be read. */
static void read_line(const char *path, char *out, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, room - 1) : -1;
    if (fd >= 0)
        (void) close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static int64_t began(int64_t pid)
{
    char path[64], text[STAT_MAX];
    (void) snprintf(path, sizeof path, "/proc/%lld/stat", (long long) pid);
    read_line(path, text, sizeof text);
    const char *name_end = strrchr(text, ')'); /* a name may hold anything, a ')' too */
    if (!name_end || name_end[1] != ' ')
        return 0;
    struct str rest = str_of(name_end + 2), field = {0};
    int64_t value;
    for (int i = 0; i < BEGAN_FIELD; i++)
        if (!str_split(&rest, ' ', &field))
            return 0;
    return str_int64(field, &value) ? value : 0;
}

void host_self(struct host_process *out)
{
    *out = (struct host_process){.pid = getpid()};
    if (gethostname(out->host, sizeof out->host - 1) != 0 || out->host[0] == '\0')
        (void) snprintf(out->host, sizeof out->host, "an unnamed host");
    read_line("/proc/sys/kernel/random/boot_id", out->boot, sizeof out->boot);
    ssize_t n = readlink("/proc/self/ns/pid", out->space, sizeof out->space - 1);
    out->space[n > 0 ? n : 0] = '\0';
    out->began = began(out->pid);
}

bool host_process_gone(const struct host_process *process)
{
    struct host_process self;
    host_self(&self);
    bool here = self.boot[0] != '\0' && self.space[0] != '\0' &&
                strcmp(self.boot, process->boot) == 0 && strcmp(self.space, process->space) == 0;
    if (!here || process->pid <= 0 || process->pid > INT32_MAX)
        return false;
    if (kill((pid_t) process->pid, 0) != 0 && errno == ESRCH)
        return true;
    int64_t now = began(process->pid);
    return process->began != 0 && now != 0 && now != process->began; /* the number is another's */
}
