/* The workspace and table that the tests of this room use, and a lake of their own for them. */
#ifndef WEIR_TESTS_LAKE_PLACE_H
#define WEIR_TESTS_LAKE_PLACE_H

#include "lake/layout.h"
#include "store/store.h"

#include "../store/folder.h"

#define PLACE_WORKSPACE "8ecf8077-cf51-4820-aadd-14040956f35d"
#define PLACE_RESOURCE                                                                             \
    "/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/resourceGroups/SOC/providers/"            \
    "Microsoft.OperationalInsights/workspaces/Contoso"
#define PLACE_FOLDER                                                                               \
    "am-okta-cl/WorkspaceResourceId=/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/"          \
    "resourcegroups/soc/providers/microsoft.operationalinsights/workspaces/contoso"
#define PLACE_OWN "weir/" PLACE_WORKSPACE "/okta-cl"

static const struct lake_place place_of_tests = {
    .workspace_id = PLACE_WORKSPACE, .resource_id = PLACE_RESOURCE, .table = "Okta_CL"};

struct fixture {
    struct folder folder;
    struct store *store;
    struct error err;
    struct buf text;
};

static inline int fixture_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || !folder_make(&f->folder))
        return -1;
    buf_init(&f->text, 16 << 20);
    f->store = store_open(f->folder.lake, &f->err);
    *state = f;
    return f->store ? 0 : -1;
}

static inline int fixture_tear_down(void **state)
{
    struct fixture *f = *state;
    store_free(f->store);
    folder_remove_tree(f->folder.path);
    buf_release(&f->text);
    free(f);
    return 0;
}

static inline int64_t tick_of(const char *text)
{
    int64_t tick = -1;
    (void) tick_parse(str_of(text), &tick);
    return tick;
}

#endif
