/* Serve: the command that makes a workspace of the files of a folder and answers until it is told
 * to end. */
#ifndef WEIR_EMULATOR_SERVE_H
#define WEIR_EMULATOR_SERVE_H

#include "emulator/options.h"
#include "emulator/rules.h"
#include "emulator/service.h"
#include "emulator/sign_in.h"

struct serve_options {
    const char *data, *listen, *ready_file, *secret_file, *ca_file;
    bool tls, exit_with_parent, quiet, no_arm, no_vault, no_usage, is_private;
    const char *workspace, *workspace_name, *subscription, *resource_group, *region, *tenant,
        *client, *object;
    struct service_limits limits;
    struct throttle_options throttle;
    uint64_t search_at_once;
    int64_t now; /* tick; 0: the real time */
    const char *clock_speed;
    struct rules rules;
    struct sign_in_options sign_in;
    struct {
        uint64_t time, rows, at_once; /* time in ns */
        bool silent;
    } jobs; /* jobs.h */
    struct {
        const char *to, *name, *doubled, *dropped, *truth;
        uint64_t delay, overflow; /* delay in ns */
        bool no_ids;
    } exporter; /* exporter.h */
    uint64_t latency, bandwidth, stall, seed;
    const char *faults, *late;
    const char *scratch; /* folder for the database; NULL: $TMPDIR or /tmp */
    uint64_t memory, threads;
    const char *log, *report;
};

/* The rows for options_parse and for the help. */
const struct option_row *serve_rows(size_t *count);

/* Serves until SIGTERM or SIGINT. What it says goes to stderr. */
bool serve(const struct serve_options *options, struct error *err);

#endif
