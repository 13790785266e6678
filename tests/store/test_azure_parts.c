/* Addresses, signatures, dates, shared access signatures, listings: what needs no server. */
#include "base/tick.h"
#include "store/azure/azure.h"
#include "store/azure/error.h"
#include "store/azure/listing.h"
#include "store/azure/sas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* --- addresses --- */

struct address_case {
    const char *text, *base, *account, *container, *folder;
    bool table;
};

static void addresses_are_taken_apart(void **state)
{
    (void) state;
    static const struct address_case cases[] = {
        {"https://acct.blob.core.windows.net", "https://acct.blob.core.windows.net", "acct", "", "",
         false},
        {"https://acct.blob.core.windows.net/", "https://acct.blob.core.windows.net", "acct", "",
         "", false},
        {"https://acct.blob.core.usgovcloudapi.net/lake/a/b/",
         "https://acct.blob.core.usgovcloudapi.net", "acct", "lake", "a/b", false},
        {"https://acct.dfs.core.windows.net/lake", "https://acct.blob.core.windows.net", "acct",
         "lake", "", false},
        {"https://acct.z12.blob.storage.azure.net/lake", "https://acct.z12.blob.storage.azure.net",
         "acct", "lake", "", false},
        {"abfss://lake@acct.dfs.core.windows.net", "https://acct.blob.core.windows.net", "acct",
         "lake", "", false},
        {"abfss://lake@acct.dfs.core.windows.net/a", "https://acct.blob.core.windows.net", "acct",
         "lake", "a", false},
        {"abfss://am-syslog@acct.dfs.core.chinacloudapi.cn/",
         "https://acct.blob.core.chinacloudapi.cn", "acct", "am-syslog", "", true},
        {"http://127.0.0.1:10000/devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1",
         "devstoreaccount1", "", "", false},
        {"http://[::1]:10000/acct/lake/x", "http://[::1]:10000/acct", "acct", "lake", "x", false},
        {"https://localhost:10000/acct/am-t", "https://localhost:10000/acct", "acct", "am-t", "",
         true},
        {"http://azurite:10000/acct", "http://azurite:10000/acct", "acct", "", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct address_case *c = &cases[i];
        struct az_address address;
        struct error err = ERROR_INIT;
        if (!az_address_parse(c->text, &address, &err))
            fail_msg("%s: %s", c->text, err.message);
        assert_string_equal(address.base, c->base);
        assert_string_equal(address.account, c->account);
        assert_string_equal(address.container, c->container);
        assert_string_equal(address.folder, c->folder);
        assert_int_equal(address.table, c->table);
    }
}

static void what_is_no_address_is_refused_without_showing_secrets(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "https://",
        "ftp://acct.blob.core.windows.net",
        "https://contoso.com/lake",
        "https://acct.blob.core.windows.net/Lake",
        "https://acct.blob.core.windows.net/la--ke",
        "https://acct.blob.core.windows.net/-lake",
        "https://acct.blob.core.windows.net/ab",
        "https://ACCT.blob.core.windows.net",
        "http://127.0.0.1:10000",
        "http://127.0.0.1:10000/",
        "https://acct.blob.core.windows.net//lake/../x",
        "https://acct.blob.core.windows.net/lake/a//b",
        "https://acct.blob.core.windows.net/lake?sv=1&sig=SECRET",
        "https://acct.blob.core.windows.net/lake#SECRET",
        "https://u:SECRET@acct.blob.core.windows.net",
        "https://u:x@SECRET@acct.blob.core.windows.net",
        "abfss://u:SECRET@acct.dfs.core.windows.net",
        "ftp://u:SECRET@acct.blob.core.windows.net",
        "abfss://acct.dfs.core.windows.net",
        "abfss://lake/x@acct.dfs.core.windows.net",
        "https://acct.blob.core.windows.net/am-t/folder",
        "https://acct.blob.core.windows.net/lake/%2e",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct az_address address;
        struct error err = ERROR_INIT;
        if (az_address_parse(texts[i], &address, &err))
            fail_msg("%s is taken", texts[i]);
        assert_int_equal(err.code, ERROR_SETTINGS);
        assert_null(strstr(err.message, "SECRET"));
        assert_null(strstr(err.hint, "SECRET"));
        assert_true(err.hint[0] != '\0');
    }
}

struct meant_case {
    const char *text, *meant;
};

/* NULL: nothing of it is shown. */
static void what_was_meant_for_an_address_is_no_folder(void **state)
{
    (void) state;
    static const struct meant_case cases[] = {
        {"acct.blob.core.windows.net", "https://acct.blob.core.windows.net?"},
        {"acct.dfs.core.usgovcloudapi.net/lake/x",
         "https://acct.dfs.core.usgovcloudapi.net/lake/x?"},
        {"ACCT.Blob.Core.Windows.Net", "https://ACCT.Blob.Core.Windows.Net?"},
        {"acct.z1.blob.storage.azure.net", "https://acct.z1.blob.storage.azure.net?"},
        {"lake@acct.dfs.core.windows.net/a", "abfss://lake@acct.dfs.core.windows.net/a?"},
        {"https:/acct.blob.core.windows.net", "https://acct.blob.core.windows.net?"},
        {"https:acct.blob.core.windows.net", "https://acct.blob.core.windows.net?"},
        {"https//acct.blob.core.windows.net/c", "https://acct.blob.core.windows.net/c?"},
        {"https/acct.blob.core.windows.net", "https://acct.blob.core.windows.net?"},
        {"http:/127.0.0.1:10000/acct", "http://127.0.0.1:10000/acct?"},
        {"http//127.0.0.1:10000/acct", "http://127.0.0.1:10000/acct?"},
        {"abfss:/lake@acct.dfs.core.windows.net", "abfss://lake@acct.dfs.core.windows.net?"},
        {"abfs://lake@acct.dfs.core.windows.net/a", "abfss://lake@acct.dfs.core.windows.net/a?"},
        {"wasbs://lake@acct.blob.core.windows.net/a", "https://acct.blob.core.windows.net/lake/a?"},
        {"wasb://lake@acct.blob.core.windows.net", "https://acct.blob.core.windows.net/lake?"},
        {"HTTPS://acct.blob.core.windows.net", "https://acct.blob.core.windows.net?"},
        {"https:/acct.blob.core.windows.net/c?sig=SECRET", "https://acct.blob.core.windows.net/c?"},
        {"acct.blob.core.windows.net?sig=SECRET", "https://acct.blob.core.windows.net?"},
        {"https:/u:SECRET@acct.blob.core.windows.net", NULL},
        {"wasbs://u:SECRET@acct.blob.core.windows.net", NULL},
        {"wasbs://u@SECRET@acct.blob.core.windows.net", NULL},
        {"https:", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        if (store_open_with(&(struct store_options){.address = cases[i].text}, &err))
            fail_msg("%s is taken", cases[i].text);
        assert_int_equal(err.code, ERROR_SETTINGS);
        const char *said = strstr(err.message, "did you mean ");
        if (cases[i].meant)
            assert_string_equal(said ? said + strlen("did you mean ") : err.message,
                                cases[i].meant);
        else
            assert_null(said);
        assert_null(strstr(err.message, "SECRET"));
        assert_null(strstr(err.hint, "SECRET"));
        assert_non_null(strstr(err.hint, "https://NAME.blob"));
    }
}

static void a_folder_may_have_a_dot_or_a_colon(void **state)
{
    (void) state;
    static const char *const texts[] = {"lake",       "./acct.blob.core.windows.net",
                                        "/data/lake", "lake.blob.d",
                                        "a:b",        "http",
                                        "http/lake",  "httpsd/x",
                                        "../x",       "blob.core"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error err = ERROR_INIT;
        if (!az_address_is_folder(texts[i], &err))
            fail_msg("%s: %s", texts[i], err.message);
    }
}

static void places_follow_the_address(void **state)
{
    (void) state;
    struct az_address account, container, table;
    struct az_place place;
    struct error err = ERROR_INIT;
    assert_true(az_address_parse("https://a.blob.core.windows.net", &account, &err));
    assert_true(az_address_parse("https://a.blob.core.windows.net/lake/f", &container, &err));
    assert_true(az_address_parse("https://a.blob.core.windows.net/am-t", &table, &err));
    assert_true(az_address_place(&account, "am-x/y=1/b", &place, &err));
    assert_true(str_eq(place.container, STR("am-x")) && str_eq(place.rest, STR("y=1/b")) &&
                place.folder.n == 0);
    assert_true(az_address_place(&account, "weir", &place, &err));
    assert_true(str_eq(place.container, STR("weir")) && place.rest.n == 0);
    assert_true(az_address_place(&container, "am-x/y=1/b", &place, &err));
    assert_true(str_eq(place.container, STR("lake")) && str_eq(place.folder, STR("f")) &&
                str_eq(place.rest, STR("am-x/y=1/b")));
    assert_true(az_address_place(&table, "am-t/b", &place, &err));
    assert_true(az_address_place(&table, "weir/b", &place, &err));
    assert_false(az_address_place(&table, "am-u/b", &place, &err));
    assert_int_equal(err.code, ERROR_SETTINGS);
    error_clear(&err);
    assert_false(az_address_place(&account, "am-a--b/x", &place, &err));
    assert_int_equal(err.code, ERROR_SETTINGS);
    assert_non_null(strstr(err.hint, "3 to 63"));
}

/* --- signatures --- */

/* Made with azure-storage-blob 12.31.1 for Python: SharedKeyCredentialPolicy over the same requests, the key being the
 * bytes 0 to 63. */
#define KEY                                                                                        \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

static const unsigned char md5[STORE_MD5] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

struct signature_case {
    const char *address, *signature;
    struct az_ask ask;
};

static const char *authorization(const struct http_request *request)
{
    for (int i = 0; request->headers[i]; i++)
        if (strncmp(request->headers[i], "Authorization: ", 15) == 0)
            return request->headers[i] + 15;
    return "";
}

/* The time is that of the vectors; a second that ends in between is tried again. */
static void make_at(struct az *az, const struct az_ask *ask, struct http_request *out)
{
    static const char date[] = "Sun, 22 Nov 2026 01:10:38 GMT";
    struct error err = ERROR_INIT;
    do {
        memcpy(az->date, date, sizeof date);
        az->date_second = tick_now() / TICK_SECOND;
        assert_true(az_request_make(az, ask, out, &err));
    } while (strcmp(az->date, date) != 0);
}

static void requests_are_signed_as_the_official_client_signs_them(void **state)
{
    (void) state;
    static const struct signature_case cases[] = {
        {"https://contosolake.blob.core.windows.net",
         "SharedKey contosolake:bIAppjersKM0VEeMBuJVbzLGG6hxDLfY+EXEMyguRVk=",
         {.method = "PUT",
          .place = {STR_INIT("am-t"), STR_INIT(""), STR_INIT("y=2021/m=11/PT05M_weir.json")},
          .tier = "Cool",
          .blob_type = "BlockBlob",
          .mark = "mark-1",
          .content_md5 = md5,
          .if_none_match = true,
          .body = STR_INIT("12345")}},
        {"https://contosolake.blob.core.windows.net",
         "SharedKey contosolake:i2PsUOV6J/p2rwq8eJeaspQ9QdqEmmBvdd+ZIKsuIMI=",
         {.method = "PUT",
          .place = {STR_INIT("am-t"), STR_INIT(""), STR_INIT("a")},
          .parameters = {{"blockid", STR_INIT("QUFBQQ==")}, {"comp", STR_INIT("block")}},
          .content_md5 = md5,
          .body = STR_INIT("12345")}},
        {"https://contosolake.blob.core.windows.net",
         "SharedKey contosolake:Wlc1SmEqJMo0TFVl2l68EEu/0TLGWLD9xhcAd0gbDzc=",
         {.method = "GET",
          .place = {STR_INIT("am-t"), STR_INIT(""), STR_INIT("")},
          .parameters = {{"comp", STR_INIT("list")},
                         {"marker", STR_INIT("a/b c")},
                         {"prefix", STR_INIT("y=2021/")},
                         {"restype", STR_INIT("container")}}}},
        {"http://127.0.0.1:10000/devstoreaccount1",
         "SharedKey devstoreaccount1:VoghXnu2Nz9GnSv4YcYOyeK9ZgyUilZW5uCcKayTe5I=",
         {.method = "DELETE",
          .place = {STR_INIT("weir"), STR_INIT(""),
                    STR_INIT("l\xc3\xb6"
                             "ck")},
          .if_match = "\"0x8D\""}},
        {"https://contosolake.blob.core.windows.net",
         "SharedKey contosolake:i3usbS5q+RJc1qi9nbQ73FYV3hO+yWr3x+cz6es76Gw=",
         {.method = "PUT",
          .place = {STR_INIT("weir"), STR_INIT(""), STR_INIT("lock")},
          .parameters = {{"comp", STR_INIT("lease")}},
          .lease_action = "acquire",
          .lease_seconds = 60,
          .proposed_lease_id = "01234567-89ab-cdef-0123-456789abcdef"}},
        {"https://contosolake.blob.core.windows.net",
         "SharedKey contosolake:d86wpphTT+M5azmJKcvdtSbsHRwmGUkiYuaBpLriu10=",
         {.method = "GET",
          .place = {STR_INIT("am-t"), STR_INIT(""), STR_INIT("a")},
          .ranged = true,
          .to = 99,
          .if_match = "\"0x8D\""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct az *az = calloc(1, sizeof *az);
        struct http_request request;
        assert_true(az_address_parse(cases[i].address, &az->address, NULL));
        assert_true(az_signer_set(&az->auth.signer, STR(KEY), NULL));
        az->auth.key_reference = (char[]){"env:X"};
        buf_init(&az->url, 4096);
        buf_init(&az->lines, 4096);
        buf_init(&az->sign, 4096);
        make_at(az, &cases[i].ask, &request);
        assert_string_equal(authorization(&request), cases[i].signature);
        az_signer_release(&az->auth.signer);
        buf_release(&az->url);
        buf_release(&az->lines);
        buf_release(&az->sign);
        free(az);
    }
}

static void what_is_no_key_is_refused_and_not_shown(void **state)
{
    (void) state;
    static const char *const keys[] = {
        "", "SECRET", "SEC=RET=", "DefaultEndpointsProtocol=https;AccountKey=SECRET"};
    struct az_signer signer = {0};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct error err = ERROR_INIT;
        assert_false(az_signer_set(&signer, str_of(keys[i]), &err));
        assert_int_equal(err.code, ERROR_SETTINGS);
        assert_null(strstr(err.message, "SECRET"));
        assert_null(strstr(err.hint, "SECRET"));
    }
    az_signer_release(&signer);
}

static void dates_are_those_of_http(void **state)
{
    (void) state;
    struct tick_civil civil = {
        .year = 1994, .month = 11, .day = 6, .hour = 8, .minute = 49, .second = 37};
    int64_t tick, back;
    char text[AZ_DATE_TEXT];
    assert_true(tick_from_civil(&civil, &tick));
    az_date_format(tick, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT"); /* the example of RFC 9110 */
    assert_true(az_date_parse(str_of(text), &back));
    assert_true(back == tick);
    assert_false(az_date_parse(STR("Sun, 06 Nov 1994 08:49:37 UTC"), &back));
    assert_false(az_date_parse(STR("Sun, 31 Feb 1994 08:49:37 GMT"), &back));
    assert_false(az_date_parse(STR("Sun, 06 Xyz 1994 08:49:37 GMT"), &back));
    assert_false(az_date_parse(STR(""), &back));
}

/* --- shared access signatures --- */

static void a_signature_tells_what_it_is_for(void **state)
{
    (void) state;
    struct az_sas sas;
    struct error err = ERROR_INIT;
    struct buf lacks = BUF_INIT(100);
    int64_t end;
    assert_true(tick_parse(STR("2026-12-01T08:00:00Z"), &end));
    assert_true(
        az_sas_parse(STR("?sv=2022-11-02&ss=b&srt=sco&sp=rwdlac&se=2026-12-01T08:00:00Z&sig=a%2Bb"),
                     &sas, &err));
    assert_true(sas.end == end);
    az_sas_lacks(&sas, &lacks);
    assert_string_equal(buf_text(&lacks), "");
    assert_true(az_sas_parse(
        STR("sp=rl&st=2026-01-01&se=2026-12-01T08%3A00%3A00Z&sv=2022-11-02&sr=c&sig=x\n"), &sas,
        &err));
    assert_true(sas.end == end);
    az_sas_lacks(&sas, &lacks);
    assert_string_equal(buf_text(&lacks), "create, write, delete");
    assert_true(az_sas_parse(
        STR("sp=racwdl&skoid=1&sktid=2&se=2026-12-01&sv=2022-11-02&sr=d&sdd=1&sig=x"), &sas, &err));
    assert_true(sas.end > 0);
    assert_true(az_sas_parse(STR("si=policy&sv=2022-11-02&sr=c&sig=x"), &sas, &err));
    az_sas_lacks(&sas, &lacks);
    assert_true(sas.end == 0);
    assert_string_equal(buf_text(&lacks), "");
    buf_release(&lacks);
}

static void what_is_no_signature_is_refused_and_not_shown(void **state)
{
    (void) state;
    static const char *const texts[] = {"",
                                        "?",
                                        "SECRET",
                                        "sv=1&sig=SECRET",
                                        "sv=1&sr=c&sig=SEC RET",
                                        "sv=1&sr=c&sig=SECRET#x",
                                        "https://a.blob.core.windows.net/c?sv=1&sr=c&sig=SECRET",
                                        "sv=1&ss=q&srt=sco&sp=r&sig=SECRET",
                                        "sv=1&ss=b&srt=s&sp=r&sig=SECRET",
                                        "sr=c&sig=SECRET",
                                        "sv=1&sr=c&sig="};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct az_sas sas;
        struct error err = ERROR_INIT;
        if (az_sas_parse(str_of(texts[i]), &sas, &err))
            fail_msg("%s is taken", texts[i]);
        assert_int_equal(err.code, ERROR_SETTINGS);
        assert_null(strstr(err.message, "SECRET"));
        assert_null(strstr(err.hint, "SECRET"));
    }
}

/* --- listings --- */

static bool show(void *context, const struct az_listed *entry, struct error *err)
{
    (void) err;
    buf_printf(context, "%.*s:%llu%s%s%s%s%s%s ", (int) entry->name.n, entry->name.p,
               (unsigned long long) entry->size, entry->folder ? " folder" : "",
               entry->append ? " append" : "", entry->has_md5 ? " md5" : "",
               entry->modified > 0 ? " modified" : "", entry->created > 0 ? " created" : "",
               entry->version != 0 ? " version" : "");
    return true;
}

/* In pieces of `step` bytes. NULL: it was refused. */
static const char *read_listing(struct str xml, size_t step, struct buf *out, char marker[64])
{
    struct error err = ERROR_INIT;
    const char *next;
    struct az_listing *listing = az_listing_new(show, out, &err);
    bool ok = listing != NULL;
    buf_reset(out);
    for (size_t at = 0; ok && at < xml.n; at += step)
        ok = az_listing_add(listing, xml.p + at, xml.n - at < step ? xml.n - at : step, &err);
    ok = ok && az_listing_end(listing, &next, &err);
    if (ok)
        (void) snprintf(marker, 64, "%s", next);
    else
        assert_int_equal(err.code, ERROR_FORMAT);
    az_listing_free(listing);
    return ok ? buf_text(out) : NULL;
}

static const char page[] =
    "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults "
    "ServiceEndpoint=\"https://a/\" "
    "ContainerName=\"c\"><Prefix>x</Prefix><MaxResults>5</MaxResults><Blobs>"
    "<Blob><Name>a&amp;b &lt;\xc3\xb6&gt;</Name><Properties><Creation-Time>Sun, 07 Nov 2021 "
    "03:05:00 GMT"
    "</Creation-Time><Last-Modified>Sun, 07 Nov 2021 03:10:00 GMT</Last-Modified><Etag>0x8D</Etag>"
    "<Content-Length>123</Content-Length><Content-MD5>AAECAwQFBgcICQoLDA0ODw==</Content-MD5>"
    "<BlobType>BlockBlob</BlobType></Properties><Metadata><Name>no</Name><Content-Length>9</"
    "Content-Length>"
    "</Metadata><Tags><TagSet><Tag><Name>no</Name></Tag></TagSet></Tags></Blob>"
    "<Blob><Name "
    "Encoded=\"true\">b%EF%BF%BF%zz</Name><Properties><Content-Length>0</Content-Length>"
    "<Content-MD5/><BlobType>AppendBlob</BlobType></Properties></Blob>"
    "<BlobPrefix><Name>f/</Name></BlobPrefix>"
    "<Blob><Name>d</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>"
    "</Blobs><NextMarker>2!8&amp;</NextMarker></EnumerationResults>";

static void a_page_is_read_in_pieces_of_any_size(void **state)
{
    (void) state;
    struct buf out = BUF_INIT(4096);
    char marker[64];
    for (size_t step = 1; step < sizeof page; step += 1 + step / 3) {
        assert_string_equal(
            read_listing((struct str){page, sizeof page - 1}, step, &out, marker),
            "a&b <\xc3\xb6>:123 md5 modified created version b\xef\xbf\xbf%zz:0 append "
            "f/:0 folder d:0 folder ");
        assert_string_equal(marker, "2!8&");
    }
    buf_release(&out);
}

static void a_page_that_is_cut_anywhere_is_none(void **state)
{
    (void) state;
    struct buf out = BUF_INIT(4096);
    char marker[64];
    for (size_t n = 0; n < sizeof page - 1; n++)
        assert_null(read_listing((struct str){page, n}, 64, &out, marker));
    buf_release(&out);
}

static void what_is_no_listing_is_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "<html></html>",
        "{\"a\":1}",
        "<EnumerationResults><Blobs><Blob></Blob></Blobs></EnumerationResults>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><EnumerationResults/>",
        "<EnumerationResults><Blobs><Blob><Name>a</Name><Properties><Content-Length>-1</"
        "Content-Length>"
        "</Properties></Blob></Blobs></EnumerationResults>",
        "<EnumerationResults><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></"
        "a></a></a></a></a>"
        "</a></a></a></a></a></a></a></a></a></a></EnumerationResults>"};
    struct buf out = BUF_INIT(4096);
    char marker[64];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (read_listing(str_of(texts[i]), 7, &out, marker))
            fail_msg("%s is read", texts[i]);
    buf_release(&out);
}

static void elements_of_an_error_are_cut_out(void **state)
{
    (void) state;
    struct str body = STR("<Error><Code>A</Code><Message>b\nc</Message><Open>x");
    assert_true(str_eq(az_error_element(body, "Code"), STR("A")));
    assert_true(str_eq(az_error_element(body, "Message"), STR("b\nc")));
    assert_int_equal(az_error_element(body, "Open").n, 0);
    assert_int_equal(az_error_element(body, "None").n, 0);
    assert_int_equal(az_error_element(STR(""), "Code").n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(what_is_no_address_is_refused_without_showing_secrets),
        cmocka_unit_test(what_was_meant_for_an_address_is_no_folder),
        cmocka_unit_test(a_folder_may_have_a_dot_or_a_colon),
        cmocka_unit_test(places_follow_the_address),
        cmocka_unit_test(requests_are_signed_as_the_official_client_signs_them),
        cmocka_unit_test(what_is_no_key_is_refused_and_not_shown),
        cmocka_unit_test(dates_are_those_of_http),
        cmocka_unit_test(a_signature_tells_what_it_is_for),
        cmocka_unit_test(what_is_no_signature_is_refused_and_not_shown),
        cmocka_unit_test(a_page_is_read_in_pieces_of_any_size),
        cmocka_unit_test(a_page_that_is_cut_anywhere_is_none),
        cmocka_unit_test(what_is_no_listing_is_refused),
        cmocka_unit_test(elements_of_an_error_are_cut_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
