/* The tables that the tests ask. */

#include "tests/kql/tables.h"

static const struct {
    const char *name, *visible, *hidden;
} tables[] = {
    {"T",
     "TenantId string\nTimeGenerated datetime\na long\nb string\nc real\nd dynamic\ne bool\n"
     "f timespan\ng guid\ni int\nx decimal\nType string\n",
     "_ItemId string\n"},
    {"U", "TimeGenerated datetime\na int\nb string\nz long\n", ""},
    {"Logs", "TimeGenerated datetime\nComputer string\nCommandLine string\nEventID int\n", ""},
    {"Usage", "TimeGenerated datetime\nDataType string\nQuantity real\n", ""},
    {"s1", "odd\"name string\n", ""},
};

const char *const tables_sql[] = {
    "create table \"T\" (\"TenantId\" varchar, \"TimeGenerated\" bigint, a bigint, b varchar, c "
    "double, d varchar, "
    "e boolean, f bigint, g varchar, i integer, x varchar, \"Type\" varchar, \"_ItemId\" varchar, "
    "\"_weir_ingestion\" bigint)",
    /* 2025-01-01 00:00, 00:07:30, 06:00, and a row of nulls */
    "insert into \"T\" values "
    "('w', 638712864000000000, 1, 'One', 1.5, '{\"k\":\"v\",\"n\":5,\"l\":[1,2,3]}', true, "
    "36000000000, "
    "'74be27de-1e4e-49d9-b579-fe0b331d3642', 10, '1.50', 'T', 'id1', 638712870000000000), "
    "('w', 638712868500000000, 2, 'two words', -2.5, '[\"a\",\"b\"]', false, -864000000000, "
    "'00000000-0000-0000-0000-000000000001', -20, '2', 'T', 'id2', 638712870000000000), "
    "('w', 638713080000000000, 3, '', 0, '\"text\"', null, 0, null, 30, null, 'T', 'id3', "
    "638713090000000000), "
    "('w', null, null, 'One', null, null, null, null, null, null, null, 'T', 'id4', null)",
    "create table \"U\" (\"TimeGenerated\" bigint, a integer, b varchar, z bigint)",
    "insert into \"U\" values (638712864000000000, 1, 'One', 100), (638712864000000000, 2, 'One', "
    "200), "
    "(null, null, 'three', null)",
    "create table \"Logs\" (\"TimeGenerated\" bigint, \"Computer\" varchar, \"CommandLine\" "
    "varchar, "
    "\"EventID\" integer)",
    "insert into \"Logs\" values (638712864000000000, 'WIN-7', 'C:\\Windows\\cmd.exe /c whoami', "
    "4688), "
    "(638712864000000001, 'win-7', 'powershell -enc AAAA', 4688), (638712864000000002, 'SRV_1', "
    "'', 4624)",
    "create table \"Usage\" (\"TimeGenerated\" bigint, \"DataType\" varchar, \"Quantity\" double)",
    "insert into \"Usage\" values (638712864000000000, 'T', 1.25), (638712900000000000, 'T', 2.5), "
    "(638712900000000000, 'U', 1)",
    "create table s1 (\"odd\"\"name\" varchar)",
    "insert into s1 values ('it''s')",
    NULL,
};

bool tables_columns(void *context, struct str name, struct columns *visible, struct columns *hidden,
                    struct error *err)
{
    (void) context;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (str_eq(name, str_of(tables[i].name)))
            return columns_read(str_of(tables[i].visible), visible, err) &&
                   columns_read(str_of(tables[i].hidden), hidden, err);
    }
    (void) error_set(err, ERROR_NOT_FOUND, "table '%.*s' is not there", (int) name.n, name.p);
    return error_hint(err, "did you mean 'T'?");
}
