/* An import into a storage account: the same blobs and record, and a failed upload leaves no record. */
#include "import.h"

#include "http/http.h"

#include "../store/blobs.h"

struct cloud {
    struct import *im;
    struct blobs *blobs;
    struct http_client *http;
};

static int set_up(void **state)
{
    struct cloud *cloud = calloc(1, sizeof *cloud);
    void *im = NULL;
    if (!cloud || import_set_up(&im) != 0)
        return -1;
    cloud->im = im;
    cloud->blobs = blobs_new();
    cloud->http = http_new(&(struct http_options){0}, &cloud->im->err);
    (void) setenv("WEIR_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    (void) setenv("TMPDIR", cloud->im->folder.path, 1);
    store_free(cloud->im->store);
    cloud->im->store =
        store_open_with(&(struct store_options){.address = blobs_url(cloud->blobs, ""),
                                                .http = cloud->http,
                                                .key = "env:WEIR_TEST_KEY"},
                        &cloud->im->err);
    cloud->im->options.store = cloud->im->store;
    *state = cloud;
    return cloud->im->store ? 0 : -1;
}

static int tear_down(void **state)
{
    struct cloud *cloud = *state;
    void *im = cloud->im;
    store_free(cloud->im->store);
    cloud->im->store = NULL;
    http_free(cloud->http);
    blobs_free(cloud->blobs);
    free(cloud);
    (void) unsetenv("TMPDIR");
    return import_tear_down(&im);
}

static void make_input(struct import *im)
{
    for (unsigned i = 0; i < 3000; i++)
        import_line(im, i * 7919 % 40000, 500, "\n");
    import_file(im);
}

static void an_account_gets_what_a_folder_gets(void **state)
{
    struct cloud *cloud = *state;
    make_input(cloud->im);
    import_all(cloud->im);
    assert_int_equal(cloud->im->result.partitions, 134);
    assert_true(import_run(cloud->im));
    assert_int_equal(cloud->im->result.read, 0);
}

static void an_upload_that_fails_leaves_no_record(void **state)
{
    struct cloud *cloud = *state;
    struct lake_imports imports;
    make_input(cloud->im);
    blobs_fault(cloud->blobs, &(struct blobs_fault){.match = "m=05/PT05M_",
                                                    .at = 1,
                                                    .times = 1000,
                                                    .kind = BLOBS_ANSWER,
                                                    .status = 403,
                                                    .code = "AuthorizationFailure"});
    assert_false(import_run(cloud->im));
    blobs_fault(cloud->blobs, &(struct blobs_fault){0});
    struct store *store =
        store_open_with(&(struct store_options){.address = blobs_url(cloud->blobs, ""),
                                                .http = cloud->http,
                                                .key = "env:WEIR_TEST_KEY"},
                        &cloud->im->err);
    assert_non_null(store);
    store_free(cloud->im->store); /* it has told what failed, and does no more */
    cloud->im->store = store;
    cloud->im->options.store = store;
    assert_true(lake_imports_read(store, &import_place, LAKE_IMPORTS_HEADS, &imports, NULL));
    assert_int_equal(imports.n, 0);
    lake_imports_release(&imports);
    (void) import_check(cloud->im, false);
    import_all(cloud->im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(an_account_gets_what_a_folder_gets),
        T(an_upload_that_fails_leaves_no_record),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
