"""Log files made to be misread: JSON lines with the time key anywhere, spelled in any way, beside others that look like it;
lines that are broken in every way; times of every form and at every boundary.

    chance = random.Random(seed)
    data = Hostile(chance).json_lines(500)

Each is a matter of chance, so that a seed tells it all. What is right about them the reference says, not this file.
"""
import gzip
import io
import json

import zstandard

BOM = b"\xef\xbb\xbf"
BOUNDARIES = [
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000001Z", "0001-01-01T00:30:00+01:00", "0001-01-01T01:00:00+01:00",
    "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.99999999999Z", "9999-12-31T23:30:00-01:00", "0000-12-31T23:00:00Z",
    "2020-02-29T12:00:00Z", "2021-02-29T12:00:00Z", "2000-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
    "2021-11-07T23:59:59.9999999Z", "2021-11-07T23:59:59.99999999Z", "2021-11-08T00:00:00Z", "2021-11-07T00:04:59.9999999Z",
    "2021-11-07T00:05:00.0000000Z", "2021-12-31T23:59:59.999999999999999999Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.9Z",
    "2021-11-07t03:05:00z", "2021-11-07T03:05:00z", f"2021-11-07T03:05:00.{'9' * 200}Z", "2021-04-31T00:00:00Z", "2021-13-01T00:00:00Z", "2021-00-10T00:00:00Z", "2021-01-00T00:00:00Z", "2021-11-07T24:00:00Z",
    "2021-11-07T23:60:00Z", "2021-11-07T23:59:60Z", "2021-11-07T23:59:61Z"]
NO_TIMES = [
    "", " ", "now", "null", "2021", "2021-11", "2021-11-7T03:05:00Z", "21-11-07T03:05:00Z", "2021/11/07 03:05:00",
    "2021-11-07T03:05:00.Z", "2021-11-07T03:05:00,5Z", "2021-11-07T3:05:00Z", "2021-11-07T03:5:00Z", "2021-11-07T03:05:0Z",
    "2021-11-07T03:05:00Zjunk", " 2021-11-07T03:05:00Z", "2021-11-07T03:05:00Z ", "2021-11-07T03:05:00+", "2021-11-07T03:05:00+1",
    "2021-11-07T03:05:00+1:00", "2021-11-07T03:05:00+01:0", "2021-11-07T03:05:00+01:60", "2021-11-07T03:05:00+25:00",
    "2021-11-07T03:05:00++01:00", "2021-11-07TT03:05:00Z", "20211107T030500Z", "2021-11-07T03:05:00 UTC", "12021-11-07T03:05:00Z",
    "-2021-11-07T03:05:00Z", "2021-11-07T03:05:00.1234567.8Z", "2021-11-07T03:05:00Z\u0000", "２０２１-11-07T03:05:00Z",
    "2021-11-07T03:05:00\u2212" + "01:00", "2021-11-07Z", "2021-11-07+01:00", f"2021-11-07T03:05:00.{'9' * 300}Z", "1588205199.5", "Nov 07 2021 03:05:00", "2021-11-07T03-05-00Z", "2021-11-07T-3:05:00Z"]
OTHERS = ["null", "true", "false", "1636254312", "0", "-1", "1.5e3", "{}", "[]", '{"TimeGenerated":"2021-11-07T03:05:00Z"}',
          '["2021-11-07T03:05:00Z"]', '[1,[2,{"a":null}]]']
NUMBERS = ["0", "-0", "-0.0", "1", "-1", "0.1", "1e5", "1E+5", "1e-5", "9223372036854775807", "9223372036854775808",
           "-9223372036854775809", "123456789012345678901234567890", "0.1000000000000000055511151231257827", "1e400", "4.9e-324"]
NOT_NUMBERS = ["01", "+1", ".5", "1.", "1.e3", "1e", "1e+", "0x10", "NaN", "Infinity", "-Infinity", "-", "--1", "1_000", "1,5",
               "00", "-01", "1e1.5", "True", "nul", "nulll", "undefined", "tru", "'a'", "٣"]
BAD_UTF8 = [b"\xff", b"\xc3", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
            b"\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xfe", b"\xc1\xbf", b"\xf0\x80\x80\x80"]
GOOD_UTF8 = ["é", "€", "😀", "\u0080", "\u07ff", "\u0800", "\uffff", "\U00010000", "\U0010ffff", "\u2028", "\ufeff", "\x7f"]
BAD_ESCAPES = [rb"\x41", rb"\u12G4", rb"\u123", rb"\U0041", rb"\'", rb"\0", rb"\ ", b"\\\t", rb"\a", rb"\u 041", b"\\\xc3\xa9"]
CONTROLS = [bytes([code]) for code in range(0x20) if code != 0x0a]
SPACES = ["", "", "", "", " ", "  ", "\t", "\r", " \t ", " " * 63, " " * 64, "\t" * 70]


class Hostile:
    """One file's maker. `column` is the time's; `style` the form of times that are right."""

    def __init__(self, chance, column="TimeGenerated", style="iso", naive=0.02, broken=0.15):
        self.chance, self.column, self.style, self.naive, self.broken = chance, column, style, naive, broken
        self.days = chance.choice([1, 1, 3, 40])
        self.order = chance.choice(["sorted", "near", "none"])
        self.at = 0

    # -- times --

    def second(self):
        """Seconds since a day of 2021, in the file's order."""
        span = self.days * 86400
        self.at += self.chance.choice([0, 0, 1, 7, 60, 301])
        if self.order == "none":
            return self.chance.randrange(span)
        if self.order == "near":
            return max(0, self.at + self.chance.randrange(-400, 400)) % span
        return self.at % span

    def fraction(self):
        digits = self.chance.choice([0, 0, 1, 3, 3, 6, 7, 7, 8, 9, 12, 40])
        if digits == 0:
            return ""
        return "." + self.chance.choice(["0" * digits, "9" * digits, "".join(self.chance.choices("0123456789", k=digits))])

    def zone(self):
        if self.chance.random() < self.naive:
            return ""
        kind = self.chance.random()
        if kind < 0.7:
            return "Z"
        hours, minutes = self.chance.randrange(15), self.chance.choice([0, 0, 0, 30, 45])
        hours, minutes = (14, 0) if hours == 14 else (hours, minutes)
        sign = self.chance.choice("+-")
        return f"{sign}{hours:02}:{minutes:02}" if kind < 0.9 else f"{sign}{hours:02}{minutes:02}" if kind < 0.96 else f"{sign}{hours:02}"

    def clock(self):
        second = self.second()
        day, second = divmod(second, 86400)
        month, day = (11, 7 + day) if day < 24 else (12, day - 23)
        return month, day, second // 3600, second // 60 % 60, second % 60

    def time_text(self):
        month, day, hour, minute, second = self.clock()
        if self.style == "us":
            half = "PM" if hour >= 12 else "AM"
            return (f"{month}/{day}/2021, {hour % 12 or 12}:{minute:02}:{second:02}{self.fraction()} {half}"
                    if self.chance.random() < 0.9 else f"{month}/{day}/2021 {hour}:{minute:02}")
        return (f"2021-{month:02}-{day:02}{self.chance.choice('TTTT ')}{hour:02}:{minute:02}:{second:02}"
                f"{self.fraction()}{self.zone()}")

    def epoch(self):
        whole = 1636243200 + self.second()
        if self.style == "epoch-ms":
            whole = whole * 1000 + self.chance.randrange(1000)
        text = f"{whole}{self.fraction()}"
        kind = self.chance.random()
        if kind < 0.05:
            return self.chance.choice(["0", "-1", "-0.00000001", "-62135596800", "-62135596801", "253402300799", "253402300800",
                                       "1e9", "1.6362432e9", "16362432E+2", "1636243200e-3", "1e300", "-1e300", "1e-300", "0e999999999",
                                       "1" + "0" * 500, "0." + "0" * 500 + "1", "-0.0", "9" * 19, "1e20", "1E12"])
        return text

    def time_value(self):
        """The text of the time key's value."""
        kind = self.chance.random()
        if kind < self.broken * 0.3:
            return self.chance.choice(OTHERS)
        if kind < self.broken * 0.6:
            return self.string(self.chance.choice(NO_TIMES))
        if kind < self.broken * 0.6 + 0.05:
            return self.string(self.chance.choice(BOUNDARIES))
        if self.style.startswith("epoch"):
            return self.epoch() if self.chance.random() < 0.9 else f'"{self.epoch()}"'
        text = self.string(self.time_text())
        if self.chance.random() < 0.03:
            return self.escaped(text)
        return text

    def right(self):
        """A value that is a time beyond doubt."""
        return {"iso": '"2021-11-07T00:00:00Z"', "us": '"11/7/2021, 12:00:00.000 AM"', "epoch-s": "1636243200",
                "epoch-ms": "1636243200000"}[self.style]

    # -- tokens --

    @staticmethod
    def string(text):
        return json.dumps(text, ensure_ascii=False)

    def escaped(self, string):
        """The same string with some of its characters written as escapes."""
        out = []
        for c in json.loads(string):
            out.append(f"\\u{ord(c):04x}" if ord(c) < 0x10000 and self.chance.random() < 0.4 else
                       "\\/" if c == "/" else json.dumps(c, ensure_ascii=False)[1:-1])
        return '"' + "".join(out) + '"'

    def space(self):
        return self.chance.choice(SPACES) if self.chance.random() < 0.3 else ""

    def words(self):
        """A string that tries to be taken for something else."""
        c = self.column
        lure = self.chance.choice([f'"{c}":"2001-01-01T00:00:00Z"', f'{{"{c}":1}}', "\\", "\\\\", '\\"', '"', '",', '}', '{', "]", "\n",
                                   "\\u0022", f'","{c}":"2002-02-02T00:00:00Z', "a" * self.chance.randrange(200), "\\" * 63, "\\" * 64,
                                   "x" * 62 + "\\", "/", "\t", "", self.chance.choice(GOOD_UTF8), "é" * 40, "\r", c])
        text = self.string(lure * self.chance.choice([1, 1, 1, 2, 3]))
        if self.chance.random() < 0.1:
            text = text[:-1] + self.chance.choice(["\\ud800", "\\udc00\\ud800", "\\ud83d\\ude00", "\\u0000", "\\uFFFF"]) + '"'
        return text

    def value(self, depth=0):
        kind = self.chance.random()
        if kind < 0.45 or depth > 4:
            return self.words()
        if kind < 0.65:
            return self.chance.choice(NUMBERS)
        if kind < 0.75:
            return self.chance.choice(["null", "true", "false"])
        if kind < 0.85:
            items = [self.value(depth + 1) for _ in range(self.chance.randrange(4))]
            return "[" + f"{self.space()},{self.space()}".join(items) + self.space() + "]"
        if kind < 0.99:
            names = [self.chance.choice([self.string(self.column), '"a"', '""', self.words()]) for _ in range(self.chance.randrange(4))]
            return "{" + ",".join(f"{name}{self.space()}:{self.space()}{self.value(depth + 1)}" for name in names) + self.space() + "}"
        nested = self.chance.randrange(1, 127 - depth)
        return "[" * nested + "]" * nested

    def other_key(self):
        c = self.string(self.column)[1:-1]
        return self.chance.choice([f'"{c.lower()}"', f'"{c} "', f'" {c}"', f'"x{c}"', f'"{c}x"', '""', '"a"', '"_ItemId"', f'"{c}\\u0000"',
                                   f'"\\"{c}"', self.words(), f'"{c.upper()}_"'])

    def time_key(self):
        key = self.string(self.column)
        return self.escaped(key) if self.chance.random() < 0.05 else key

    # -- lines --

    def members(self):
        pairs = [(self.other_key(), self.value()) for _ in range(self.chance.choice([0, 1, 3, 8, 20]))]
        kind = self.chance.random()
        times = 0 if kind < self.broken * 0.1 else 2 if kind < self.broken * 0.1 + 0.05 else 1
        for _ in range(times):
            pairs.insert(self.chance.choice([0, len(pairs), self.chance.randrange(len(pairs) + 1)]), (self.time_key(), self.time_value()))
        return pairs

    def line(self):
        pairs = self.members()
        text = "{" + self.space() + f"{self.space()},{self.space()}".join(
            f"{key}{self.space()}:{self.space()}{value}" for key, value in pairs) + self.space() + "}"
        return text.encode("utf-8", errors="surrogatepass")

    def broken_line(self):
        """A line that is not one valid object, or (by luck) still is."""
        chance, line = self.chance, self.line()
        at = chance.randrange(len(line) + 1)
        begin = f"{{{self.string(self.column)}:{self.right()},".encode()
        kind = chance.randrange(15)
        if kind == 0:
            return line[:at]
        if kind == 1:
            return line[:at] + chance.choice([b"\x00", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"x", b"\x1f", b"'"]) + line[at:]
        if kind == 2:
            return line[:at] + line[at + 1:]
        if kind == 3:
            return begin + b'"n":' + chance.choice(NOT_NUMBERS).encode() + b"}"
        if kind == 4:
            return begin + b'"s":"' + b"a" * chance.randrange(140) + chance.choice(BAD_UTF8 + BAD_ESCAPES + CONTROLS) + b'b"}'
        if kind == 5:
            return line + chance.choice([line, b",", b"}", b"x", b"\x00", b" {}", b"]", b"null", b"\xef\xbb\xbf"])
        if kind == 6:
            return chance.choice([b"[]", b"null", b"1", b'"a"', b"true", b"[" + line + b"]", b"# a comment", b"TimeGenerated,a", b"{", b"}",
                                  b"<xml/>", b"\xef\xbb\xbf" + line, b"\x0b", b"\x0c" + line, b"\xc2\xa0", b"\x00" * 5, b"//", line + b"//x"])
        if kind == 7:
            depth = chance.choice([126, 127, 128, 129, 500])
            opening, closing = chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
            inner = b"1" if opening != b"[" else b""
            return begin + b'"deep":' + opening * depth + inner + closing * depth + b"}"
        if kind == 8:
            return begin + chance.choice([b'"a":1,}', b',"a":1}', b'"a" 1}', b'"a"::1}', b'"a":}', b'a:1}', b"'a':1}", b'"a":1 "b":2}',
                                          b'1:2}', b'null:1}', b'"a":[1,]}', b'"a":[,1]}', b'"a":[1 2]}', b'"a":{"b"}}', b'"a":[}]}', b'"a":"b}',
                                          b'"a":[1}', b'"a":{"b":1]}', b'"a":/**/1}', b'"a":1;"b":2}', b'"a":[[]}', b'"a":{]}'])
        if kind == 9:
            return b"{" + chance.choice([b"", b" ", b"\t"]) + b"}"
        if kind == 10:
            return chance.choice(BAD_UTF8) + line
        if kind == 11:
            return line[:at] + chance.choice(BAD_UTF8) + line[at:]
        if kind == 12:
            return line[:at] + chance.choice(CONTROLS) + line[at:]
        if kind == 13:
            return bytes(chance.randrange(256) for _ in range(chance.randrange(1, 100))).replace(b"\n", b" ")
        return begin + f'{self.string(self.column)}:{chance.choice(NOT_NUMBERS)}}}'.encode()

    def ending(self):
        return self.chance.choice([b"\n"] * 12 + [b"\r\n", b" \n", b"\t\r\n", b"\r\r\n", b"\n\n", b"\n \n", b"\n\r\n", b"\n\t \r\n"])

    def json_lines(self, count, huge=0):
        """`count` lines, one of them of `huge` bytes. The first shows what file it is."""
        out = [BOM] if self.chance.random() < 0.2 else []
        out.append(self.chance.choice([b"", b"", b"", b"\n", b"\r\n", b"  \n"]))
        out.append(f"{{{self.string(self.column)}:{self.right()}}}\n".encode())
        at = self.chance.randrange(count) if huge else -1
        for i in range(count):
            if self.chance.random() < 0.1:
                out.append(self.chance.choice([b" ", b"\t", b"  \t"]))
            if i == at:
                line = self.line()
                filler = b'{"huge":"' + (b"ab\\\\" * (huge // 4)) + b'",' + b" "
                out.append(filler + line[1:].lstrip(b" \t\r") if line[1:].strip(b" \t\r") != b"}" else line)
            else:
                out.append(self.broken_line() if self.chance.random() < self.broken else self.line())
            out.append(self.ending())
        if self.chance.random() < 0.4:
            out[-1] = self.chance.choice([b"", b"", b"\r", b" "])
        return b"".join(out)

    def array(self, count):
        """One array over many lines, with elements that are no objects. Its brackets and quotes match."""
        chance, out = self.chance, []
        for _ in range(count):
            space = [chance.choice(["", "\n", "\n  ", " ", "\r\n\t"]) for _ in range(2)]
            pairs = self.members()
            text = "{" + space[0] + f",{space[0]}".join(f"{key}:{space[1]}{value}" for key, value in pairs) + space[1] + "}"
            if chance.random() < self.broken:
                key = self.string(self.column)
                text = chance.choice(["1", "null", '"{}"', "[]", f"[{text}]", '{"a":1,}', '{"a" 1}', "{,}", '{"a":NaN}', "nul", "{}", "{} {}",
                                      f"{{{key}:{self.right()},\n}}", f"{{{key}:{self.right()},\n\"n\":01}}", f"\n{{{key}\n:[}}]"[:-2] + "]}"])
            out.append(chance.choice(["", "\n", "  ", "\n\n"]) + text + chance.choice(["", "\n", " "]))
        first = f"{{{self.string(self.column)}: {self.right()}}}"
        begin, end = chance.choice([("[", "]"), ("[\n", "\n]\n"), ("\n [", "] \r\n\n")])
        return (BOM if chance.random() < 0.3 else b"") + (begin + ",".join([first, *out]) + end).encode("utf-8", errors="surrogatepass")


class HostileCsv:
    """A file of CSV in a form that may be any of those that people write."""

    CELLS = ["", "", "a", " a ", "443", "-0", "1.0", "1e3", "007", "+1", "true", "False", "null", "NaN", "#NAME?", "=1+1", "9223372036854775808",
             "2021-11-07T03:05:12.3456789Z", "11/7/2021, 3:05:12.000 PM", "not a time", "8ECF8077-cf51-4820-aadd-14040956f35d", '{"a":[1,"b"]}',
             "[1,]", "a,b", "a;b\tc", 'say "no"', '"', '""', "line\nbreak", "line\r\nbreak", "\\", "\\n", "é😀", "\x01\x1f\x7f", "x" * 3000, "\ufeff"]

    def __init__(self, chance, column, style, broken):
        self.chance, self.column, self.broken = chance, column, broken
        self.times = Hostile(chance, column, style, naive=0, broken=broken)
        self.separator = chance.choice(",,,;\t")
        self.end = chance.choice(["\n", "\r\n"])
        self.names = ["a_s", "n_d", "b_b", "t_t", "g_g", "plain", "with blank", "q\"q", "UPPER"][:chance.randrange(1, 10)]
        self.names.insert(chance.randrange(len(self.names) + 1), column)

    def cell(self, text):
        must = any(c in text for c in '\n"' + self.separator) or text != text.strip("\r\n")
        if must or self.chance.random() < 0.3:
            return '"' + text.replace('"', '""') + '"'
        return text

    def time(self):
        value = self.times.time_value()
        return json.loads(value) if value.startswith('"') else value

    def record(self):
        cells = [self.time() if name == self.column else self.chance.choice(self.CELLS) for name in self.names]
        return self.separator.join(map(self.cell, cells)).encode("utf-8", errors="surrogatepass")

    def broken_record(self):
        record, mark = self.record(), self.separator.encode()
        return self.chance.choice([record + mark, mark + record, b'"a"b' + mark + record, record.partition(mark)[0] + b"x", record + mark + b"\xff",
                                   b"\xed\xa0\x80" + mark * (len(self.names) - 1), b'"a" ' + mark * (len(self.names) - 1), b"x",
                                   mark * (len(self.names) - 1), mark * len(self.names), b'a"b"' + mark * (len(self.names) - 1)])

    def file(self, count):
        chance, end = self.chance, self.end.encode()
        out = [BOM] if chance.random() < 0.5 else []
        out += [self.separator.join(map(self.cell, self.names)).encode(), end]
        good = [json.loads(self.times.right()) if name == self.column else "1" for name in self.names]
        out += [self.separator.join(map(self.cell, map(str, good))).encode(), end]
        for _ in range(count):
            out += [self.broken_record() if chance.random() < self.broken else self.record(), end]
            if chance.random() < 0.03:
                out.append(chance.choice([end, b"  " + end]))
        kind = chance.random()
        if kind < 0.3:
            out.pop()
        elif kind < 0.5:
            out.append(b'"never closed' + end + b"a" + end)
        return b"".join(out)


def packed_gzip(data, chance):
    """As one member or as several."""
    cut = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice([0, 0, 1, 3])))
    parts = [data[begin:end] for begin, end in zip([0, *cut], [*cut, len(data)])]
    return b"".join(gzip.compress(part, chance.choice([1, 6])) for part in parts)


def packed_zstd(data, chance):
    """As one frame or as several, with a frame to be skipped between them."""
    cut = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice([0, 0, 1, 3])))
    parts = [data[begin:end] for begin, end in zip([0, *cut], [*cut, len(data)])]
    skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" if chance.random() < 0.3 else b""
    out = io.BytesIO()
    for part in parts:
        compressor = zstandard.ZstdCompressor(level=3, write_checksum=chance.random() < 0.5, write_content_size=chance.random() < 0.5)
        out.write(compressor.compress(part) + skipped)
    return out.getvalue()
