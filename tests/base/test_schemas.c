/* Every file of schemas/ is read, keeps time, names the tenant, and is whole. */
#include "base/column.h"
#include "base/file.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void read_schema(const char *name, struct columns *columns)
{
    struct buf path = BUF_INIT(PATH_MAX), text = BUF_INIT(COLUMNS_FILE_MAX);
    struct error err = ERROR_INIT;
    buf_printf(&path, "%s/schemas/%s", WEIR_SOURCE_DIR, name);
    if (!file_read(buf_text(&path), COLUMNS_FILE_MAX, &text, &err) ||
        !columns_read(buf_str(&text), columns, &err))
        fail_msg("%s: %s", name, err.message);
    buf_release(&path);
    buf_release(&text);
}

static void every_schema_has_the_columns_all_tables_have(void **state)
{
    (void) state;
    DIR *dir = opendir(WEIR_SOURCE_DIR "/schemas");
    assert_non_null(dir);
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        struct columns columns = {0};
        if (!str_ends(str_of(entry->d_name), STR(".columns")))
            continue;
        read_schema(entry->d_name, &columns);
        int time = columns_find(&columns, STR("TimeGenerated"));
        if (time < 0 || columns.v[time].type != COLUMN_DATETIME)
            fail_msg("%s: no TimeGenerated datetime", entry->d_name);
        if (columns_find(&columns, STR("TenantId")) < 0 || columns_find(&columns, STR("Type")) < 0)
            fail_msg("%s: no TenantId or Type", entry->d_name);
        if (columns_find(&columns, STR("_ItemId")) >= 0)
            fail_msg("%s: _ItemId is hidden and does not belong here", entry->d_name);
        columns_release(&columns);
        count++;
    }
    (void) closedir(dir);
    assert_true(count >= 11);
}

static void schemas_have_as_many_columns_as_the_reference(void **state)
{
    (void) state;
    static const struct {
        const char *file;
        size_t columns; /* with TenantId */
    } tables[] = {
        {"CommonSecurityLog.columns", 163}, {"SecurityEvent.columns", 229},
        {"SigninLogs.columns", 96},         {"Syslog.columns", 18},
        {"AzureActivity.columns", 37},      {"DeviceNetworkEvents.columns", 52},
        {"Heartbeat.columns", 32},          {"Usage.columns", 24},
        {"LAJobLogs.columns", 17},          {"LAQueryLogs.columns", 35},
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct columns columns = {0};
        read_schema(tables[i].file, &columns);
        if (columns.n != tables[i].columns)
            fail_msg("%s has %zu columns", tables[i].file, columns.n);
        columns_release(&columns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_schema_has_the_columns_all_tables_have),
        cmocka_unit_test(schemas_have_as_many_columns_as_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
