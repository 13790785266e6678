/* World: who and what appears in the logs. One company with its people, machines and firewalls, and the
 * places on the internet that they go to. Made from a seed, the same for all tables of a run, so that
 * tables can be joined: a user's machine has one name and address everywhere.
 *
 * All texts are JSON already: escaped, valid UTF-8.
 */
#ifndef WEIR_EMULATOR_GENERATE_WORLD_H
#define WEIR_EMULATOR_GENERATE_WORLD_H

#include "base/memory.h"
#include "base/text.h"

enum { WORLD_USERS = 800, WORLD_HOSTS = 640, WORLD_SERVERS = 48, WORLD_SITES = 3000 };

struct user {
    struct str name;    /* Zoë Müller */
    struct str account; /* zoe.muller */
    struct str upn;     /* zoe.muller@contoso.example */
    struct str sid;
    uint64_t id[2]; /* of the directory's GUID */
    uint32_t host;  /* the machine of this user */
    uint32_t home;  /* the address from which this user signs in when not at work */
};

struct host {
    struct str name, fqdn;
    uint32_t ip;
    uint64_t id[2];
};

struct site {
    struct str name;
    uint32_t ip;
    uint16_t port;
    struct str application;
};

struct world {
    struct arena arena;
    struct str tenant; /* the workspace's GUID, as TenantId has it */
    struct str prefix; /* {"TenantId":"..." */
    struct user *users;
    struct host *hosts; /* servers first */
    struct site *sites;
};

bool world_init(struct world *world, uint64_t seed, struct error *err);
void world_release(struct world *world);

/* Texts with what breaks careless readers: emoji, combining marks, right-to-left, planes 1, 2 and 16,
 * escapes of every kind, line breaks, quotes. */
enum { WORLD_STRANGE = 24 };
extern const struct str world_strange[WORLD_STRANGE];

#endif
