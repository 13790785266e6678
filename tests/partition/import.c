/* See import.h. */
#include "import.h"

#include "base/memory.h"
#include "base/tick.h"

#define FOLDER                                                                                     \
    "am-okta-cl/WorkspaceResourceId=/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/"          \
    "resourcegroups/soc/providers/microsoft.operationalinsights/workspaces/contoso"

const struct lake_place import_place = {
    .workspace_id = "8ecf8077-cf51-4820-aadd-14040956f35d",
    .resource_id = "/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/resourcegroups/soc/"
                   "providers/microsoft.operationalinsights/workspaces/contoso",
    .table = "Okta_CL"};

int import_set_up(void **state)
{
    struct import *im = calloc(1, sizeof *im);
    if (!im || !folder_make(&im->folder))
        return -1;
    im->want = calloc(IMPORT_PARTITIONS, sizeof *im->want);
    for (size_t i = 0; im->want && i < IMPORT_PARTITIONS; i++)
        buf_init(&im->want[i], 256 << 20);
    buf_init(&im->file, 256 << 20);
    buf_init(&im->seen, 256 << 20);
    (void) setenv("XDG_STATE_HOME", im->folder.path, 1);
    im->store = store_open(im->folder.lake, &im->err);
    im->options = (struct partition_options){.store = im->store,
                                             .place = &import_place,
                                             .inputs = im->inputs,
                                             .threads = 2,
                                             .memory = 64 << 20};
    *state = im;
    return im->store && im->want ? 0 : -1;
}

int import_tear_down(void **state)
{
    struct import *im = *state;
    partition_result_release(&im->result);
    store_free(im->store);
    folder_remove_tree(im->folder.path);
    for (size_t i = 0; i < IMPORT_PARTITIONS; i++)
        buf_release(&im->want[i]);
    buf_release(&im->file);
    buf_release(&im->seen);
    free(im->want);
    free(im);
    return 0;
}

void import_line(struct import *im, unsigned second, size_t padding, const char *end)
{
    char time[TICK_TEXT_MAX];
    size_t from = im->file.used;
    (void) tick_format(IMPORT_BEGIN + second * TICK_SECOND, time);
    buf_printf(&im->file, "{\"n\":%llu,\"TimeGenerated\":\"%s\",\"p\":\"",
               (unsigned long long) im->want_rows++, time);
    for (size_t i = 0; i < padding; i++)
        buf_putc(&im->file, (char) ('a' + (i + second) % 26));
    buf_puts(&im->file, "\"}");
    struct buf *want = &im->want[second / 300];
    buf_put(want, im->file.bytes + from, im->file.used - from);
    buf_putc(want, '\n');
    buf_puts(&im->file, end);
}

void import_junk(struct import *im, const char *line)
{
    buf_puts(&im->file, line);
}

void import_file(struct import *im)
{
    size_t n = im->options.input_count++;
    char path[sizeof im->paths[0]];
    (void) snprintf(path, sizeof path, "%.200s/in-%zu.jsonl", im->folder.path, n);
    memcpy(im->paths[n], path, sizeof path);
    FILE *out = fopen(im->paths[n], "wb");
    assert_non_null(out);
    assert_true(buf_ok(&im->file, "a file", &im->err));
    assert_int_equal(fwrite(buf_text(&im->file), 1, im->file.used, out), im->file.used);
    assert_int_equal(fclose(out), 0);
    im->inputs[n] = im->paths[n];
    buf_reset(&im->file);
}

void import_clear(struct import *im)
{
    for (size_t i = 0; i < IMPORT_PARTITIONS; i++)
        buf_reset(&im->want[i]);
    buf_reset(&im->file);
    im->options.input_count = 0;
    im->want_rows = 0;
}

void import_again(struct import *im)
{
    store_free(im->store);
    folder_remove_tree(im->folder.lake);
    im->store = store_open(im->folder.lake, &im->err);
    assert_non_null(im->store);
    im->options.store = im->store;
}

bool import_run(struct import *im)
{
    partition_result_release(&im->result);
    error_clear(&im->err);
    return partition_run(&im->options, &im->result, &im->err);
}

struct check {
    struct import *im;
    size_t blobs;
};

static bool check_blob(void *context, const struct store_blob *blob, struct error *err)
{
    struct check *check = context;
    struct import *im = check->im;
    int64_t tick, span;
    enum lake_blob_kind kind;
    uint32_t number;
    struct str name = blob->name, prefix = STR(FOLDER);
    char text[STORE_NAME_MAX + 1];
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    assert_true(str_starts(name, prefix));
    assert_true(lake_parse_name((struct str){name.p + prefix.n, name.n - prefix.n}, &tick, &span,
                                &kind, &number));
    assert_int_equal(kind, LAKE_BLOB_IMPORT);
    size_t i = (size_t) ((tick - IMPORT_BEGIN) / TICK_PARTITION);
    assert_true(i < IMPORT_PARTITIONS);
    assert_true(store_get(im->store, text, &im->seen, err));
    assert_int_equal(im->seen.used, im->want[i].used);
    assert_memory_equal(buf_text(&im->seen), buf_text(&im->want[i]), im->seen.used);
    check->blobs++;
    return true;
}

static void check_record(struct import *im, size_t blobs)
{
    struct lake_imports imports;
    assert_true(
        lake_imports_read(im->store, &import_place, LAKE_IMPORTS_WHOLE, &imports, &im->err));
    /* A run that failed with its very last call left a record. */
    const char *id = im->result.id[0] ? im->result.id : im->result.inputs[0].held_by;
    const struct lake_import *import = lake_imports_find(&imports, str_of(id));
    assert_non_null(import);
    assert_int_equal(import->n_parts, blobs);
    uint64_t rows = 0;
    for (size_t i = 0; i < import->n_parts; i++) {
        const struct lake_import_part *part = &import->parts[i];
        const struct buf *want = &im->want[(part->partition - IMPORT_BEGIN) / TICK_PARTITION];
        uint64_t sum[2] = {0, 0};
        unsigned char hash[LAKE_IMPORT_HASH];
        lake_import_sum_add(sum, buf_str(want), 0);
        lake_import_sum_end(sum, hash);
        assert_memory_equal(part->hash, hash, sizeof hash);
        assert_int_equal(part->bytes, want->used);
        rows += part->rows;
    }
    assert_int_equal(rows, im->want_rows);
    assert_int_equal(import->rows, im->want_rows);
    lake_imports_release(&imports);
}

size_t import_check(struct import *im, bool whole)
{
    struct check check = {.im = im};
    size_t want = 0;
    struct error err = ERROR_INIT;
    assert_true(store_list(im->store, "am-okta-cl", check_blob, &check, &err));
    for (size_t i = 0; i < IMPORT_PARTITIONS; i++)
        want += im->want[i].used > 0;
    if (whole) {
        assert_int_equal(check.blobs, want);
        check_record(im, want);
    }
    return check.blobs;
}

void import_all(struct import *im)
{
    if (!import_run(im))
        fail_msg("%s", im->err.message);
    (void) import_check(im, true);
}
