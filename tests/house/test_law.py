"""scripts/law finds each kind of breach, where it is, and only those."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).parent.parent.parent
LAW = SOURCE / "scripts" / "law"

# A small tree that keeps the law; each test adds one file to it.
KEPT = {
    "src/base/text.h": "struct str;\n",
    "src/json/rows.h": '#include "base/text.h"\n',
    "src/engine/engine.h": '#include "base/text.h"\n',
    "src/engine/duckdb/engine.c": '#include <duckdb.h>\n#include "engine/engine.h"\n#include "json/rows.h"\n',
    "src/http/http.h": "#include <curl/curl.h>\n",
    "src/store/store.h": '#include "http/http.h"\n',
    "src/lake/line.c": '#include "store/store.h"\n#include "base/text.h"\n',
    "src/lake/line.h": "int line;\n",
    "src/cli/main.c": '#include "lake/line.h"\nint main(void) { printf("hello"); return 0; }\n',
    "emulator/main.c": '#include "json/rows.h"\nint main(void) { puts("ready"); exit(0); }\n',
    "src/base/memory.c": "void *mem_alloc(void) { return calloc(1, 2); }\n",
    "src/kql/words.c": '/* printf("no") */ // exit(1)\nconst char *text = "printf(strcpy(";\n',
    "src/kql/print.c": "void f(void) { kql_printf(1); x->printf(2); snprintf(a, b, c); state.exit_code = 1; }\n",
}


class Law(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        for path, text in KEPT.items():
            self.write(path, text)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def breaches(self):
        result = subprocess.run([sys.executable, str(LAW), str(self.root)], capture_output=True, text=True,
                                check=False)
        lines = result.stdout.strip().split("\n")
        self.assertEqual(result.returncode, 0 if lines == ["law: kept"] else 1, result.stdout + result.stderr)
        return lines[:-1]

    def assert_breach(self, path, text, at, what):
        self.write(path, text)
        found = self.breaches()
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(at), found[0])
        self.assertIn(what, found[0])

    def test_a_tree_that_keeps_it_passes(self):
        self.assertEqual(self.breaches(), [])

    def test_a_room_may_not_use_one_above_it(self):
        self.assert_breach("src/json/up.c", '\n#include "lake/line.h"\n', "src/json/up.c:2:", "json may not use lake")

    def test_the_emulator_sees_no_protocol_code(self):
        self.assert_breach("emulator/api.c", '#include "http/http.h"\n', "emulator/api.c:1:", "may not use http")

    def test_only_the_engine_sees_duckdb(self):
        self.assert_breach("src/kql/peek.c", "#include <duckdb.h>\n", "src/kql/peek.c:1:", "only engine/duckdb")

    def test_only_http_sees_curl(self):
        self.assert_breach("src/store/get.c", "#include <curl/curl.h>\n", "src/store/get.c:1:", "only http")

    def test_a_header_is_included_by_its_room(self):
        self.assert_breach("src/base/near.c", '#include "text.h"\n', "src/base/near.c:1:", "not a header of a room")

    def test_a_folder_that_is_no_room_is_seen(self):
        self.assert_breach("src/misc/x.c", "int x;\n", "src/misc/x.c:1:", "in no room")

    def test_nothing_below_cli_prints(self):
        self.assert_breach("src/kql/say.c", "void f(void)\n{\n    fputs(a, b);\n}\n", "src/kql/say.c:3:", "prints")

    def test_nothing_below_cli_exits(self):
        self.assert_breach("src/kql/stop.c", "void f(void) { exit (1); }\n", "src/kql/stop.c:1:", "exits")

    def test_a_banned_function_is_named_with_its_twin(self):
        self.assert_breach("src/kql/copy.c", "void f(void) { strcpy(a, b); }\n", "src/kql/copy.c:1:", "struct buf")

    def test_only_base_allocates(self):
        self.assert_breach("src/kql/make.c", "void *f(void) { return malloc(3); }\n", "src/kql/make.c:1:", "mem_alloc")

    def test_code_after_a_comment_on_its_line_is_read(self):
        self.assert_breach("src/kql/a.c", "/* a */ int a = atoi(b);\n", "src/kql/a.c:1:", "atoi")

    def test_a_build_machines_path_is_no_text_of_ours(self):
        self.assert_breach("docs/how.md", "cd /ro" "ot/weir\n", "docs/how.md:1:", "path of one machine")


if __name__ == "__main__":
    unittest.main()
