/* Files are read within a maximum and written whole or not at all; secrets are nobody else's. */
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { BIG = 200000 };

struct place {
    char folder[64];
    struct buf path, text;
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    if (!place)
        return -1;
    buf_init(&place->path, PATH_MAX);
    buf_init(&place->text, 1 << 20);
    const char *base = getenv("TMPDIR");
    (void) snprintf(place->folder, sizeof place->folder, "%.40s/weir-file-XXXXXX",
                    base ? base : "/tmp");
    *state = place;
    return mkdtemp(place->folder) ? 0 : -1;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char child[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void) snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        if (unlink(child) != 0)
            remove_tree(child);
    }
    if (dir)
        (void) closedir(dir);
    (void) rmdir(path);
}

static int tear_down(void **state)
{
    struct place *place = *state;
    remove_tree(place->folder);
    buf_release(&place->path);
    buf_release(&place->text);
    free(place);
    return 0;
}

static const char *in(struct place *place, const char *name)
{
    path_join(&place->path, place->folder, name);
    return buf_text(&place->path);
}

static int entries(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;
    while (dir && readdir(dir))
        count++;
    if (dir)
        (void) closedir(dir);
    return count - 2;
}

static void what_was_written_is_read_back(void **state)
{
    struct place *place = *state;
    static char bytes[BIG];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char) (i * 31 >> 3);
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, BIG};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(file_write(in(place, "f"), (struct str){bytes, sizes[i]}, 0644, i == 2, NULL));
        assert_true(file_read(in(place, "f"), BIG, &place->text, NULL));
        assert_int_equal(place->text.used, sizes[i]);
        assert_memory_equal(buf_text(&place->text), bytes, sizes[i]);
        assert_int_equal(buf_text(&place->text)[sizes[i]], '\0');
    }
    assert_int_equal(entries(place->folder), 1);
}

static void a_file_longer_than_the_maximum_is_refused(void **state)
{
    struct place *place = *state;
    struct error err = ERROR_INIT;
    assert_true(file_write(in(place, "f"), STR("12345"), 0644, false, NULL));
    assert_true(file_read(in(place, "f"), 5, &place->text, NULL));
    assert_false(file_read(in(place, "f"), 4, &place->text, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void what_is_not_there_is_told_from_what_fails(void **state)
{
    struct place *place = *state;
    struct error missing = ERROR_INIT, folder = ERROR_INIT;
    assert_false(file_read(in(place, "none"), 10, &place->text, &missing));
    assert_int_equal(missing.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(missing.message, "none: No such file or directory"));
    assert_false(file_read(place->folder, 10, &place->text, &folder));
    assert_int_equal(folder.code, ERROR_IO);
}

static void the_mode_is_that_asked_for_less_umask(void **state)
{
    struct place *place = *state;
    struct stat status;
    mode_t old = umask(022);
    assert_true(file_write(in(place, "open"), STR("x"), 0666, false, NULL));
    assert_int_equal(stat(in(place, "open"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    assert_true(file_write(in(place, "open"), STR("x"), 0600, false, NULL));
    assert_int_equal(stat(in(place, "open"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    (void) umask(old);
}

/* The disk is full after a few bytes: the old file stays, and nothing lies beside it. */
static void a_write_that_fails_leaves_the_old_file(void **state)
{
    struct place *place = *state;
    static char bytes[BIG];
    struct error err = ERROR_INIT;
    assert_true(file_write(in(place, "f"), STR("old"), 0644, false, NULL));
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 100;
    (void) signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    bool wrote = file_write(in(place, "f"), (struct str){bytes, sizeof bytes}, 0644, true, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(wrote);
    assert_int_equal(err.code, ERROR_IO);
    assert_true(file_read(in(place, "f"), 10, &place->text, NULL));
    assert_string_equal(buf_text(&place->text), "old");
    assert_int_equal(entries(place->folder), 1);
}

static void a_write_to_no_folder_or_onto_a_folder_fails_and_leaves_nothing(void **state)
{
    struct place *place = *state;
    struct error missing = ERROR_INIT, onto = ERROR_INIT;
    assert_false(file_write(in(place, "no/such/f"), STR("x"), 0644, false, &missing));
    assert_int_equal(missing.code, ERROR_NOT_FOUND);
    assert_true(file_make_folders(in(place, "d"), NULL));
    assert_false(file_write(in(place, "d"), STR("x"), 0644, false, &onto));
    assert_int_equal(onto.code, ERROR_IO);
    assert_int_equal(entries(place->folder), 1);
}

static void a_link_leads_to_the_file_that_is_written(void **state)
{
    struct place *place = *state;
    struct stat status;
    char link[PATH_MAX];
    assert_true(file_write(in(place, "f"), STR("old"), 0644, false, NULL));
    (void) snprintf(link, sizeof link, "%s", in(place, "link"));
    assert_int_equal(symlink("f", link), 0);
    assert_true(file_write(link, STR("new"), 0644, false, NULL));
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_true(file_read(in(place, "f"), 10, &place->text, NULL));
    assert_string_equal(buf_text(&place->text), "new");
}

static void a_pipe_takes_the_bytes_and_stays(void **state)
{
    struct stat status;
    struct error err = ERROR_INIT;
    char path[PATH_MAX], bytes[16] = "";
    (void) snprintf(path, sizeof path, "%s", in(*state, "pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(file_write(path, STR("lost"), 0644, true, &err));
    assert_int_equal(err.code, ERROR_IO);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_true(file_write(path, STR("bytes"), 0644, true, NULL));
    assert_int_equal(read(reader, bytes, sizeof bytes - 1), 5);
    assert_string_equal(bytes, "bytes");
    assert_int_equal(close(reader), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
}

static void every_failing_allocation_fails_the_call(void **state)
{
    struct place *place = *state;
    char path[PATH_MAX];
    (void) snprintf(path, sizeof path, "%s", in(place, "f"));
    for (uint64_t n = 1, done = 0; !done; n++) {
        struct error err = ERROR_INIT;
        struct buf text = BUF_INIT(1000);
        mem_fail_at(n);
        done = file_write(path, STR("x"), 0600, true, &err) && file_read(path, 10, &text, &err) &&
               file_read_secret(path, 10, &text, &err) && file_make_folders(place->folder, &err);
        assert_int_equal(err.code, done ? ERROR_NONE : ERROR_MEMORY);
        assert_in_range(n, 1, 50);
        buf_release(&text);
    }
    mem_fail_at(0);
    assert_int_equal(entries(place->folder), 1);
}

static void folders_are_made_with_all_above_them(void **state)
{
    struct place *place = *state;
    struct stat status;
    assert_true(file_make_folders(in(place, "a//b/c/"), NULL));
    assert_true(file_make_folders(in(place, "a/b/c"), NULL));
    assert_int_equal(stat(in(place, "a/b/c"), &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    struct error err = ERROR_INIT;
    assert_true(file_write(in(place, "a/file"), STR(""), 0644, false, NULL));
    assert_false(file_make_folders(in(place, "a/file/x"), &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_false(file_make_folders(in(place, "a/file"), NULL));
    assert_false(file_make_folders("", NULL));
}

static void paths_are_joined_with_one_slash(void **state)
{
    (void) state;
    struct buf path = BUF_INIT(10);
    path_join(&path, "a", "b");
    assert_string_equal(buf_text(&path), "a/b");
    path_join(&path, "a/", "b");
    assert_string_equal(buf_text(&path), "a/b");
    path_join(&path, "", "b");
    assert_string_equal(buf_text(&path), "b");
    path_join(&path, "/", "b");
    assert_string_equal(buf_text(&path), "/b");
    path_join(&path, "much", "too long");
    assert_false(buf_ok(&path, "path", NULL));
    buf_release(&path);
}

static void a_secret_is_read_only_from_a_private_file(void **state)
{
    struct place *place = *state;
    assert_true(file_write(in(place, "s"), STR("hunter2\r\n"), 0600, false, NULL));
    assert_true(file_read_secret(in(place, "s"), 100, &place->text, NULL));
    assert_string_equal(buf_text(&place->text), "hunter2");
    static const mode_t open_modes[] = {0640, 0604, 0620, 0610, 0777, 0601};
    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        struct error err = ERROR_INIT;
        assert_int_equal(chmod(in(place, "s"), open_modes[i]), 0);
        assert_false(file_read_secret(in(place, "s"), 100, &place->text, &err));
        assert_int_equal(err.code, ERROR_SETTINGS);
        assert_non_null(strstr(err.hint, "chmod 600 "));
        assert_int_equal(place->text.used, 0);
    }
    assert_int_equal(chmod(in(place, "s"), 0400), 0);
    assert_true(file_read_secret(in(place, "s"), 100, &place->text, NULL));
}

static void a_secret_is_a_regular_short_file(void **state)
{
    struct place *place = *state;
    struct error folder = ERROR_INIT, pipe = ERROR_INIT, large = ERROR_INIT, missing = ERROR_INIT;
    assert_false(file_read_secret(place->folder, 100, &place->text, &folder));
    assert_int_equal(folder.code, ERROR_SETTINGS);
    assert_int_equal(mkfifo(in(place, "pipe"), 0600), 0);
    assert_false(file_read_secret(in(place, "pipe"), 100, &place->text, &pipe));
    assert_int_equal(pipe.code, ERROR_SETTINGS);
    assert_true(file_write(in(place, "s"), STR("123456"), 0600, false, NULL));
    assert_false(file_read_secret(in(place, "s"), 5, &place->text, &large));
    assert_int_equal(large.code, ERROR_LIMIT);
    assert_null(strstr(large.message, "12345"));
    assert_null(memmem(place->text.bytes, place->text.room, "123", 3));
    assert_false(file_read_secret(in(place, "none"), 5, &place->text, &missing));
    assert_int_equal(missing.code, ERROR_NOT_FOUND);
}

static void data_is_found_where_the_user_says_or_near_the_program(void **state)
{
    struct place *place = *state;
    struct buf found = BUF_INIT(PATH_MAX);
    struct error err = ERROR_INIT;
    assert_true(file_program_folder(&found, NULL));
    assert_int_equal(access(buf_text(&found), X_OK), 0);
    assert_true(file_make_folders(in(place, "schemas"), NULL));
    assert_int_equal(setenv("WEIR_DATA", place->folder, 1), 0);
    assert_true(file_find_data("schemas", &found, NULL));
    assert_string_equal(buf_text(&found), in(place, "schemas"));
    assert_false(file_find_data("no-such-folder", &found, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.hint, "WEIR_DATA"));
    assert_int_equal(unsetenv("WEIR_DATA"), 0);
    buf_release(&found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read_back),
        TEST(a_file_longer_than_the_maximum_is_refused),
        TEST(what_is_not_there_is_told_from_what_fails),
        TEST(the_mode_is_that_asked_for_less_umask),
        TEST(a_write_that_fails_leaves_the_old_file),
        TEST(a_write_to_no_folder_or_onto_a_folder_fails_and_leaves_nothing),
        TEST(a_link_leads_to_the_file_that_is_written),
        TEST(a_pipe_takes_the_bytes_and_stays),
        TEST(every_failing_allocation_fails_the_call),
        TEST(folders_are_made_with_all_above_them),
        TEST(paths_are_joined_with_one_slash),
        TEST(a_secret_is_read_only_from_a_private_file),
        TEST(a_secret_is_a_regular_short_file),
        TEST(data_is_found_where_the_user_says_or_near_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
