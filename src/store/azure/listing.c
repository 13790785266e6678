/* Reads a page of a listing with expat; see listing.h.
 *
 * Of the elements only a few matter, known by their depth and name: an entry (Blob, BlobPrefix, Container) and in it
 * Name and Properties; everything else, metadata of others too, is passed over. A document type, by which a text could
 * grow inside the parser, is refused.
 */
#include "store/azure/listing.h"

#include "base/hash.h"
#include "base/memory.h"
#include "store/azure/sign.h"

#include <expat.h>

enum {
    DEPTH_MAX = 16,
    DEPTH_PAGE = 1,    /* NextMarker, Blobs, Containers */
    DEPTH_ENTRY = 2,   /* Blob, BlobPrefix, Container */
    DEPTH_NAME = 3,    /* Name, Properties */
    DEPTH_PROPERTY = 4 /* Content-Length and such */
};

struct az_listing {
    XML_Parser parser;
    bool (*fn)(void *context, const struct az_listed *entry, struct error *err);
    void *context;
    struct error *err; /* of the az_listing_add under way */
    int depth;
    bool page, entry, properties; /* inside the right ones of each level */
    bool wanted;                  /* the text of this element is gathered */
    bool encoded;                 /* ... and percent-encoded: a Name with what XML cannot hold */
    struct az_listed listed;
    struct buf text, name;
    char marker[AZ_MARKER_MAX + 1];
};

static void stop(struct az_listing *l)
{
    (void) XML_StopParser(l->parser, XML_FALSE);
}

static void refuse(struct az_listing *l, const char *why)
{
    (void) error_set(l->err, ERROR_FORMAT, "the listing is not in its form: %s", why);
    stop(l);
}

static bool is(const char *name, const char *other)
{
    return strcmp(name, other) == 0;
}

static bool is_entry(const char *name)
{
    return is(name, "Blob") || is(name, "BlobPrefix") || is(name, "Container");
}

static bool is_encoded(const char *const *attributes)
{
    for (; attributes[0]; attributes += 2)
        if (is(attributes[0], "Encoded"))
            return is(attributes[1], "true");
    return false;
}

static void on_start(void *context, const char *name, const char **attributes)
{
    struct az_listing *l = context;
    switch (l->depth++) {
    case 0:
        l->page = is(name, "EnumerationResults");
        if (!l->page)
            refuse(l, "its root is another");
        break;
    case DEPTH_PAGE:
        l->wanted = is(name, "NextMarker");
        l->entry = false;
        break;
    case DEPTH_ENTRY:
        l->entry = is_entry(name);
        l->listed = (struct az_listed){.folder = is(name, "BlobPrefix")};
        buf_reset(&l->name);
        break;
    case DEPTH_NAME:
        l->wanted = l->entry && is(name, "Name");
        l->properties = l->entry && is(name, "Properties");
        l->encoded = is_encoded(attributes);
        break;
    case DEPTH_PROPERTY:
        l->wanted = l->properties;
        break;
    default:
        l->wanted = false;
        if (l->depth > DEPTH_MAX)
            refuse(l, "it is nested too deeply");
    }
    buf_reset(&l->text);
}

static void on_text(void *context, const char *text, int n)
{
    struct az_listing *l = context;
    if (!l->wanted)
        return;
    buf_put(&l->text, text, (size_t) n);
    if (l->text.failed)
        refuse(l, "a text in it is too long");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void take_name(struct az_listing *l)
{
    struct str text = buf_str(&l->text);
    if (!l->encoded) {
        buf_put_str(&l->name, text);
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        int high = text.n - i > 2 && text.p[i] == '%' ? hex_digit(text.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
        buf_putc(&l->name, low >= 0 ? (char) (high << 4 | low) : text.p[i]);
        i += low >= 0 ? 2 : 0;
    }
}

static void take_property(struct az_listing *l, const char *name)
{
    struct az_listed *listed = &l->listed;
    struct str text = str_trim(buf_str(&l->text));
    if (is(name, "Content-Length")) {
        if (!str_uint64(text, &listed->size))
            refuse(l, "a length is no number");
    } else if (is(name, "Last-Modified"))
        (void) az_date_parse(text, &listed->modified);
    else if (is(name, "Creation-Time"))
        (void) az_date_parse(text, &listed->created);
    else if (is(name, "Etag"))
        listed->version = (uint64_t) hash_xx64(text);
    else if (is(name, "Content-MD5"))
        listed->has_md5 = az_unbase64_md5(text, listed->md5);
    else if (is(name, "BlobType"))
        listed->append = str_eq(text, STR("AppendBlob"));
    else if (is(name, "ResourceType"))
        listed->folder = str_eq(text, STR("directory"));
}

static void give(struct az_listing *l)
{
    l->listed.name = buf_str(&l->name);
    if (l->listed.name.n == 0)
        refuse(l, "an entry has no name");
    else if (!l->fn(l->context, &l->listed, l->err))
        stop(l);
}

static void on_end(void *context, const char *name)
{
    struct az_listing *l = context;
    switch (--l->depth) {
    case DEPTH_PAGE:
        if (l->wanted && l->text.used <= AZ_MARKER_MAX)
            memcpy(l->marker, buf_text(&l->text), l->text.used + 1);
        break;
    case DEPTH_ENTRY:
        if (l->entry)
            give(l);
        l->entry = false;
        break;
    case DEPTH_NAME:
        if (l->wanted)
            take_name(l);
        l->properties = false;
        break;
    case DEPTH_PROPERTY:
        if (l->wanted)
            take_property(l, name);
        break;
    default:
        break;
    }
    l->wanted = false;
}

static void on_doctype(void *context, const char *name, const char *system, const char *public,
                       int inside)
{
    (void) name;
    (void) system;
    (void) public;
    (void) inside;
    refuse(context, "it declares a document type");
}

bool az_listing_reset(struct az_listing *l, struct error *err)
{
    l->depth = 0;
    l->page = l->entry = l->properties = l->wanted = false;
    l->marker[0] = '\0';
    buf_reset(&l->text);
    buf_reset(&l->name);
    if (l->parser ? XML_ParserReset(l->parser, NULL) != XML_TRUE
                  : !(l->parser = XML_ParserCreate(NULL)))
        return error_set(err, ERROR_MEMORY, "no memory to read a listing");
    XML_SetUserData(l->parser, l);
    XML_SetElementHandler(l->parser, on_start, on_end);
    XML_SetCharacterDataHandler(l->parser, on_text);
    XML_SetStartDoctypeDeclHandler(l->parser, on_doctype);
    return true;
}

struct az_listing *az_listing_new(bool (*fn)(void *context, const struct az_listed *entry,
                                             struct error *err),
                                  void *context, struct error *err)
{
    struct az_listing *l = mem_alloc(1, sizeof *l, err);
    if (!l)
        return NULL;
    l->fn = fn;
    l->context = context;
    buf_init(&l->text, AZ_VALUE_MAX);
    buf_init(&l->name, AZ_VALUE_MAX);
    if (az_listing_reset(l, err))
        return l;
    az_listing_free(l);
    return NULL;
}

void az_listing_free(struct az_listing *l)
{
    if (!l)
        return;
    if (l->parser)
        XML_ParserFree(l->parser);
    buf_release(&l->text);
    buf_release(&l->name);
    mem_free(l);
}

static bool parse(struct az_listing *l, const char *bytes, size_t n, bool last, struct error *err)
{
    enum { STEP = 1 << 20 };
    struct error why = ERROR_INIT;
    l->err = &why;
    bool ok = true;
    while (ok && (n > 0 || last)) {
        size_t step = n < STEP ? n : STEP;
        ok = XML_Parse(l->parser, bytes, (int) step, last && step == n) == XML_STATUS_OK;
        bytes += step;
        n -= step;
        last = last && n > 0;
    }
    l->err = NULL;
    if (ok)
        return true;
    enum XML_Error code = XML_GetErrorCode(l->parser);
    (void) error_set(&why, code == XML_ERROR_NO_MEMORY ? ERROR_MEMORY : ERROR_FORMAT,
                     "the listing cannot be read: %s", XML_ErrorString(code));
    return error_pass(err, &why);
}

bool az_listing_add(struct az_listing *l, const char *bytes, size_t n, struct error *err)
{
    return n == 0 || parse(l, bytes, n, false, err);
}

bool az_listing_end(struct az_listing *l, const char **marker, struct error *err)
{
    *marker = l->marker;
    return parse(l, "", 0, true, err);
}
