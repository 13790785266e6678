/* Processes: see process.h. */
#include "base/process.h"

#include "base/tick.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum {
    READ_STEP = 4096,          /* bytes taken from a pipe at once */
    WAIT_MS = 20,              /* between two looks at whether the program has ended */
    VARIABLES_SEEN_MAX = 4096, /* of our environment */
    STATUS_SIGNAL = 128,       /* added to the number of a signal */
};
static const double SECONDS_DEFAULT = 60.0;
static const double NANOSECONDS = 1e9;

/* A program that runs, and the ends of its pipes that are ours; -1: closed. */
struct process {
    pid_t id;
    int out, said;
    bool ended;
    int status; /* as waitpid has it */
};

/* Starting ---------------------------------------------------------------------------------------- */

static bool is_named(const char *variable, const char *const *names)
{
    for (size_t i = 0; i < PROCESS_VARIABLES_MAX && names[i]; i++) {
        size_t n = strlen(names[i]);
        if (strncmp(variable, names[i], n) == 0 && variable[n] == '=')
            return true;
    }
    return false;
}

static void choose_variables(const char *const *names, char *out[PROCESS_VARIABLES_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; environ && i < VARIABLES_SEEN_MAX && environ[i]; i++)
        if (n < PROCESS_VARIABLES_MAX && is_named(environ[i], names))
            out[n++] = environ[i];
    out[n] = NULL;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        (void) close(*fd);
    *fd = -1;
}

/* What the child gets: the pipes, nothing to read, the root folder. */
static bool put_actions(posix_spawn_file_actions_t *actions, int out, int said)
{
    return posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
           posix_spawn_file_actions_adddup2(actions, out, 1) == 0 &&
           posix_spawn_file_actions_adddup2(actions, said, 2) == 0 &&
           posix_spawn_file_actions_addchdir_np(actions, "/") == 0;
}

/* A group of its own, and signals as a program expects them: we may ignore or block some. */
static bool put_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    return sigemptyset(&none) == 0 && sigfillset(&all) == 0 && sigdelset(&all, SIGKILL) == 0 &&
           sigdelset(&all, SIGSTOP) == 0 && posix_spawnattr_setsigmask(attributes, &none) == 0 &&
           posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
           posix_spawnattr_setpgroup(attributes, 0) == 0 &&
           posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF) == 0;
}

static int spawn(const struct process_options *options, int out, int said, pid_t *id)
{
    char *arguments[PROCESS_ARGUMENTS_MAX + 2], *variables[PROCESS_VARIABLES_MAX + 1];
    size_t n = 0;
    /* posix_spawn changes none of these texts. */
    arguments[n++] = (char *) (uintptr_t) options->program;
    for (size_t i = 0; i < PROCESS_ARGUMENTS_MAX && options->arguments[i]; i++)
        arguments[n++] = (char *) (uintptr_t) options->arguments[i];
    arguments[n] = NULL;
    choose_variables(options->variables, variables);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void) posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    int failed = EINVAL;
    if (put_actions(&actions, out, said) && put_attributes(&attributes))
        failed = posix_spawn(id, options->program, &actions, &attributes, arguments, variables);
    (void) posix_spawn_file_actions_destroy(&actions);
    (void) posix_spawnattr_destroy(&attributes);
    return failed;
}

static bool start(const struct process_options *options, struct process *process, struct error *err)
{
    int out[2] = {-1, -1}, said[2] = {-1, -1};
    int failed = 0;
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(said, O_CLOEXEC) != 0)
        failed = errno;
    else
        failed = spawn(options, out[1], said[1], &process->id);
    close_end(&out[1]);
    close_end(&said[1]);
    process->out = out[0];
    process->said = said[0];
    if (failed != 0) {
        close_end(&process->out);
        close_end(&process->said);
        return error_set_errno(err, ERROR_IO, failed, "%s cannot be started", options->program);
    }
    return true;
}

/* Reading ----------------------------------------------------------------------------------------- */

/* What is there to read now. Bytes pass over the stack, which is wiped: they may be a token. */
static bool read_some(int *fd, struct buf *into, bool drop, const char *program, struct error *err)
{
    char bytes[READ_STEP];
    ssize_t got = read(*fd, bytes, sizeof bytes);
    bool ok = true;
    if (got < 0 && errno != EINTR && errno != EAGAIN)
        ok = error_set_errno(err, ERROR_IO, errno, "what %s writes cannot be read", program);
    else if (got == 0)
        close_end(fd);
    else if (got > 0) {
        size_t n = (size_t) got, room = into->max - into->used;
        buf_put(into, bytes, drop && n > room ? room : n);
        ok = buf_ok(into, "what a program writes", err);
    }
    explicit_bzero(bytes, sizeof bytes);
    return ok;
}

static bool read_ready(struct process *process, int ms, const char *program, struct buf *out,
                       struct buf *said, struct error *err)
{
    struct pollfd fds[2] = {{process->out, POLLIN, 0}, {process->said, POLLIN, 0}};
    int ready = poll(fds, 2, ms);
    if (ready < 0 && errno != EINTR)
        return error_set_errno(err, ERROR_IO, errno, "waiting for %s", program);
    if (ready <= 0)
        return true;
    return (fds[0].revents == 0 || read_some(&process->out, out, false, program, err)) &&
           (fds[1].revents == 0 || read_some(&process->said, said, true, program, err));
}

/* The rest, once the program has ended: what its children still write later is not waited for. */
static bool read_rest(struct process *process, const char *program, struct buf *out,
                      struct buf *said, struct error *err)
{
    int *const ends[] = {&process->out, &process->said};
    for (size_t i = 0; i < 2; i++) {
        struct pollfd fd = {*ends[i], POLLIN, 0};
        while (*ends[i] >= 0 && poll(&fd, 1, 0) > 0)
            if (!read_some(ends[i], i == 0 ? out : said, i == 1, program, err))
                return false;
    }
    return true;
}

/* Waiting ----------------------------------------------------------------------------------------- */

static void look_for_end(struct process *process)
{
    int status = 0;
    pid_t got = waitpid(process->id, &status, WNOHANG);
    /* Without a status to be had (SIGCHLD is ignored) it has ended all the same. */
    if (got == process->id || (got < 0 && errno == ECHILD)) {
        process->ended = true;
        process->status = got == process->id ? status : 0;
    }
}

static bool run(const struct process_options *options, struct process *process, struct buf *out,
                struct buf *said, struct error *err)
{
    double seconds = options->seconds > 0 ? options->seconds : SECONDS_DEFAULT;
    uint64_t end = clock_ns() + (uint64_t) (seconds * NANOSECONDS);
    while (!process->ended) {
        if (stop_asked(options->stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (clock_ns() >= end)
            return error_set(err, ERROR_TIMEOUT, "%s does not end within %g s", options->program,
                             seconds);
        if (!read_ready(process, WAIT_MS, options->program, out, said, err))
            return false;
        look_for_end(process);
    }
    return read_rest(process, options->program, out, said, err);
}

/* The whole group goes: a program may have started others. */
static void end(struct process *process)
{
    (void) kill(-process->id, SIGKILL);
    while (!process->ended && waitpid(process->id, &process->status, 0) < 0 && errno == EINTR)
        ;
    close_end(&process->out);
    close_end(&process->said);
}

bool process_run(const struct process_options *options, struct secret *out, struct buf *said,
                 int *status, struct error *err)
{
    struct process process = {.out = -1, .said = -1};
    *status = 0;
    buf_reset(said);
    if (!start(options, &process, err))
        return false;
    bool ok = run(options, &process, secret_buf(out), said, err);
    end(&process);
    *status = WIFSIGNALED(process.status) ? STATUS_SIGNAL + WTERMSIG(process.status)
                                          : WEXITSTATUS(process.status);
    return ok;
}

/* Finding and hiding ------------------------------------------------------------------------------ */

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool process_find(const char *name, struct buf *out)
{
    struct str rest = str_of(getenv("PATH")), folder;
    while (str_split(&rest, ':', &folder)) {
        buf_reset(out);
        if (folder.n == 0 || folder.p[0] != '/')
            continue; /* one that depends on where the user stands is not to be trusted */
        buf_put_str(out, folder);
        buf_putc(out, '/');
        buf_puts(out, name);
        if (!out->failed && is_program(buf_text(out)))
            return true;
    }
    buf_reset(out);
    return false;
}

void process_hide(void)
{
    const struct rlimit none = {0, 0};
    (void) setrlimit(RLIMIT_CORE, &none);
#ifdef PR_SET_DUMPABLE
    /* Core patterns that begin with a pipe do not look at the limit. */
    (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
