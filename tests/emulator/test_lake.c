/* The lake of the continuous export: which folder, which blob, and lines behind lines. */

#include "emulator/lake.h"

#include "base/file.h"
#include "base/tick.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER                                                                                     \
    "/WorkspaceResourceId=/subscriptions/0/resourcegroups/g/providers/"                            \
    "microsoft.operationalinsights/workspaces/w/y=2024/m=06/d=01/h=12/m=05/"

enum { BLOB_MAX = 1 << 16, OPEN_MAX = 8 };

struct fixture {
    char folder[64];
    struct lake lake;
    int64_t partition;
};

static void start(struct fixture *fixture, uint64_t overflow)
{
    (void) snprintf(fixture->folder, sizeof fixture->folder, "/tmp/weir-test-lake.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->lake = (struct lake){
        .folder = fixture->folder,
        .name = "PT05M",
        .resource_id = "/subscriptions/0/resourceGroups/G/providers/"
                       "Microsoft.OperationalInsights/workspaces/W",
        .overflow = overflow,
    };
    assert_true(tick_parse(STR("2024-06-01T12:05:00Z"), &fixture->partition));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void) status, (void) kind, (void) at;
    return remove(path);
}

static void stop(struct fixture *fixture)
{
    assert_int_equal(nftw(fixture->folder, remove_entry, OPEN_MAX, FTW_DEPTH | FTW_PHYS), 0);
}

static void append(const struct fixture *fixture, const char *table, const char *lines)
{
    struct error err = ERROR_INIT;
    assert_true(lake_append(&fixture->lake, table, fixture->partition, str_of(lines), &err));
}

static void check(const struct fixture *fixture, const char *container, const char *name,
                  const char *text)
{
    char path[PATH_MAX];
    struct buf bytes = BUF_INIT(BLOB_MAX);
    (void) snprintf(path, sizeof path, "%s/%s" FOLDER "%s", fixture->folder, container, name);
    assert_true(file_read(path, BLOB_MAX, &bytes, NULL));
    assert_string_equal(buf_text(&bytes), text);
    buf_release(&bytes);
}

static void lines_stand_behind_lines(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, 0);
    append(&fixture, "Some_Table.CL", "{\"a\":1}\n{\"a\":2}\n");
    append(&fixture, "Some_Table.CL", "{\"a\":3}\n");
    check(&fixture, "am-some-table-cl", "PT05M.json", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    stop(&fixture);
}

static void a_full_blob_has_siblings(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture, 2);
    append(&fixture, "T", "1\n");
    append(&fixture, "T", "2\n3\n4\n5\n");
    append(&fixture, "T", "6\n");
    check(&fixture, "am-t", "PT05M.json", "1\n2\n");
    check(&fixture, "am-t", "PT05M_1.json", "3\n4\n");
    check(&fixture, "am-t", "PT05M_2.json", "5\n6\n");
    stop(&fixture);
}

static void a_long_name_is_cut_where_a_container_ends(void **state)
{
    (void) state;
    char table[128], container[64];
    struct fixture fixture;
    start(&fixture, 0);
    memset(table, 'T', sizeof table - 1);
    table[sizeof table - 1] = '\0';
    memset(container, 't', sizeof container - 1);
    memcpy(container, "am-", 3);
    container[sizeof container - 1] = '\0';
    append(&fixture, table, "1\n");
    check(&fixture, container, "PT05M.json", "1\n");
    stop(&fixture);
}

static void what_cannot_be_written_is_told(void **state)
{
    (void) state;
    struct fixture fixture;
    struct error err = ERROR_INIT;
    start(&fixture, 0);
    fixture.lake.folder = "/dev/null";
    assert_false(lake_append(&fixture.lake, "T", fixture.partition, STR("1\n"), &err));
    assert_int_equal(err.code, ERROR_IO);
    stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_stand_behind_lines),
        cmocka_unit_test(a_full_blob_has_siblings),
        cmocka_unit_test(a_long_name_is_cut_where_a_container_ends),
        cmocka_unit_test(what_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
