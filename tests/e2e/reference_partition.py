"""What `weir partition` has to do, in plain and slow Python, from docs/partition.md and docs/formats.md alone.

    rows, rejects = json_lines(data, Time("TimeGenerated"))
    blobs = partitions(rows)                  # {"y=2021/m=11/d=07/h=03/m=05": b"...lines..."}

Nothing of Python's json is used to judge a line: it takes NaN, control characters on request, any depth, and hides what a
key said first. Times are integers of 100 ns since year 1.
"""
import re
from collections import namedtuple
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

LINE_MAX = 48 * 1024 * 1024
DEPTH_MAX = 128
TEXT_MAX = 1000       # characters of a rejected line that are repeated
TIME_TEXT_MAX = 256   # bytes of a text that is a time
AHEAD_MAX = 14 * 60   # minutes of an offset
TICKS = 10_000_000  # of a second
DAY = 24 * 3600 * TICKS
FIVE_MINUTES = 300 * TICKS
END_OF_TIME = date.max.toordinal() * DAY  # behind the last tick of 9999
EPOCH = (date(1970, 1, 1).toordinal() - 1) * DAY

LONG = "longer than 48 MiB"
FORM = "not one valid JSON object"
RECORD = "not one valid CSV record"
NO_TIME = "no time column"
NULL_TIME = "its time is null"
TIME_TYPE = "its time is of another type"
TIME_TEXT = "its time is no time"
TIME_ZONE = "its time names no zone"
TIME_RANGE = "its time is outside the years 1 to 9999"

Row = namedtuple("Row", "tick line")
Reject = namedtuple("Reject", "line reason text")


class Refused(Exception):
    """A reason for which a row is not taken."""


# -- JSON, RFC 8259 --

SPACE = re.compile(rb"[ \t\n\r]*")
STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*+"')
NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
WORD = re.compile(rb"null|true|false")
ESCAPES = {b'"': '"', b"\\": "\\", b"/": "/", b"b": "\b", b"f": "\f", b"n": "\n", b"r": "\r", b"t": "\t"}


class Json:
    """A value of a text, checked to the last byte: `pairs` of the outermost object are kept as they stand."""

    def __init__(self, text):
        text.decode("utf-8", errors="strict")
        self.text, self.pairs = text, []
        at = self.value(self.space(0), 1)
        if self.space(at) != len(text):
            raise ValueError("more than one value")

    def space(self, at):
        return SPACE.match(self.text, at).end()

    def value(self, at, depth):
        first = self.text[at:at + 1]
        if first == b"{":
            return self.members(at, depth)
        if first == b"[":
            return self.elements(at, depth)
        pattern = STRING if first == b'"' else WORD if first in (b"n", b"t", b"f") else NUMBER
        found = pattern.match(self.text, at)
        if not found:
            raise ValueError(f"no value at {at}")
        return found.end()

    def expect(self, byte, at):
        if self.text[at:at + 1] != byte:
            raise ValueError(f"no {byte} at {at}")
        return self.space(at + 1)

    def members(self, at, depth):
        if depth > DEPTH_MAX:
            raise ValueError("too deep")
        at = self.expect(b"{", at)
        if self.text[at:at + 1] == b"}":
            return at + 1
        while True:
            key = STRING.match(self.text, at)
            if not key:
                raise ValueError(f"no key at {at}")
            begin = self.expect(b":", self.space(key.end()))
            end = self.value(begin, depth + 1)
            if depth == 1:
                self.pairs.append((unescape(key.group()), self.text[begin:end]))
            at = self.space(end)
            if self.text[at:at + 1] == b"}":
                return at + 1
            at = self.expect(b",", at)

    def elements(self, at, depth):
        if depth > DEPTH_MAX:
            raise ValueError("too deep")
        at = self.expect(b"[", at)
        if self.text[at:at + 1] == b"]":
            return at + 1
        while True:
            at = self.space(self.value(at, depth + 1))
            if self.text[at:at + 1] == b"]":
                return at + 1
            at = self.expect(b",", at)


def unescape(string):
    """The characters of a JSON string, given with its quotes. Half a surrogate pair stays half a one."""
    units = []
    for part in re.finditer(rb"\\u([0-9A-Fa-f]{4})|\\(.)|([^\\]+)", string[1:-1]):
        code, letter, plain = part.groups()
        text = chr(int(code, 16)) if code else ESCAPES[letter] if letter else plain.decode()
        units.append(text.encode("utf-16-le", errors="surrogatepass"))
    return b"".join(units).decode("utf-16-le", errors="surrogatepass")


def compact(text):
    """The same JSON without the white space between its tokens."""
    return re.sub(rb'("(?:[^"\\]|\\.)*")|[ \t\n\r]+', lambda found: found.group(1) or b"", text, flags=re.DOTALL)


# -- times --

ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?([Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII)
US = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?:(?:,| )+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?: *([AP]M))?)?", re.ASCII)
EPOCH_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", re.ASCII)


class Time:
    """How the times of one input are read: the column's name, a format, a zone (a function from wall clock to UTC, in
    ticks) for times that name none."""

    def __init__(self, column="TimeGenerated", style="iso", zone=None):
        self.column, self.style, self.zone = column, style, zone

    def of_json(self, value):
        """The tick of a JSON value's text."""
        if value == b"null":
            raise Refused(NULL_TIME)
        if value[:1] == b'"':
            return self.of_text(unescape(value))
        if value[:1] in (b"{", b"[", b"t", b"f") or not self.style.startswith("epoch"):
            raise Refused(TIME_TYPE)
        return self.of_text(value.decode())

    def of_text(self, text):
        if len(text.encode("utf-8", errors="surrogatepass")) > TIME_TEXT_MAX:
            raise Refused(TIME_TEXT)
        text = text.strip(" \t\r\n")
        tick = {"iso": self.iso, "us": self.us, "epoch-s": self.epoch, "epoch-ms": self.epoch}[self.style](text)
        if not 0 <= tick < END_OF_TIME:
            raise Refused(TIME_RANGE)
        return tick

    def wall(self, year, month, day, hour, minute, second, fraction):
        """Ticks of a wall clock's time."""
        try:
            days = date(year, month, day).toordinal() - 1
        except ValueError:
            raise Refused(TIME_RANGE if year == 0 and valid_day(month, day) else TIME_TEXT) from None
        if hour > 23 or minute > 59 or second > 59:
            raise Refused(TIME_TEXT)
        return days * DAY + ((hour * 60 + minute) * 60 + second) * TICKS + int((fraction or "").ljust(7, "0")[:7])

    def iso(self, text):
        found = ISO.fullmatch(text)
        if not found:
            raise Refused(TIME_TEXT)
        *numbers, fraction, zone = found.groups()
        wall = self.wall(*(int(number or 0) for number in numbers), fraction)
        if zone in ("Z", "z"):
            return wall
        if zone:
            minutes = int(zone[3:].strip(":") or 0)
            ahead_by = int(zone[1:3]) * 60 + minutes
            if minutes > 59 or ahead_by > AHEAD_MAX:
                raise Refused(TIME_TEXT)
            return wall - (1 if zone[0] == "+" else -1) * ahead_by * 60 * TICKS
        if not self.zone:
            raise Refused(TIME_ZONE)
        return self.zone(wall)

    def us(self, text):
        found = US.fullmatch(text)
        if not found:
            raise Refused(TIME_TEXT)
        month, day, year, hour, minute, second, fraction, half = found.groups()
        hour = int(hour or 0)
        if half:
            if not 1 <= hour <= 12:
                raise Refused(TIME_TEXT)
            hour = hour % 12 + (12 if half == "PM" else 0)
        wall = self.wall(int(year), int(month), int(day), hour, int(minute or 0), int(second or 0), fraction)
        if not self.zone:
            raise Refused(TIME_ZONE)
        return self.zone(wall)

    def epoch(self, text):
        """A number's digits as they stand, never through a float; what is finer than a tick is cut towards the past."""
        found = EPOCH_NUMBER.fullmatch(text)
        if not found:
            raise Refused(TIME_TEXT)
        sign, whole, fraction, exponent = found.groups()
        exponent = int(exponent or 0)
        digits = int(whole + (fraction or "")) * (-1 if sign else 1)
        shift = exponent - len(fraction or "") + (7 if self.style == "epoch-s" else 4)
        if digits == 0:
            return EPOCH
        if shift > 400:
            raise Refused(TIME_RANGE)
        if shift < -400 - len(whole + (fraction or "")):
            return EPOCH - (1 if digits < 0 else 0)
        return EPOCH + (digits * 10**shift if shift >= 0 else digits // 10**-shift)


def valid_day(month, day):
    """In year 0, which was a leap year."""
    try:
        date(4, month, day)
    except ValueError:
        return False
    return True


def utc(wall):
    return wall


def ahead(hours, minutes=0):
    """A zone of a fixed offset."""
    return lambda wall: wall - (hours * 60 + minutes) * 60 * TICKS


def named(name):
    """A zone by its IANA name. Within an hour that its clock repeats or leaves out the later change holds."""
    info = ZoneInfo(name)

    def to_utc(wall):
        local = (datetime(1, 1, 1) + timedelta(seconds=wall // TICKS)).replace(tzinfo=info, fold=1)
        return wall - int(local.utcoffset().total_seconds()) * TICKS
    return to_utc


# -- JSON lines and arrays --

def one_object(text, time):
    """The tick of a line that is one JSON object."""
    if len(text) > LINE_MAX:
        raise Refused(LONG)
    try:
        pairs = Json(text).pairs if text[:1] == b"{" else None
    except (ValueError, UnicodeDecodeError):
        pairs = None
    if pairs is None:
        raise Refused(FORM)
    values = [value for key, value in pairs if key == time.column]
    if not values:
        raise Refused(NO_TIME)
    return time.of_json(values[-1])


def shown(text):
    """As a reject file repeats it."""
    return text.decode("utf-8", errors="replace")[:TEXT_MAX]


def json_lines(data, time):
    rows, rejects = [], []
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, 1):
        text = line.strip(b" \t\r")
        if not text:
            continue
        try:
            rows.append(Row(one_object(text, time), text))
        except Refused as why:
            rejects.append(Reject(number, str(why), shown(text)))
    return rows, rejects


BLANKS = b" \t\r\n"


class NoArray(Exception):
    """Text behind the array, or an array that does not end: the whole input is refused."""


def elements(data):
    """What stands between the outermost brackets, cut at the commas that are in no string and in no bracket (brackets are
    counted, whatever their form): pieces as (where it begins, bytes)."""
    begin = data.index(b"[") + 1
    pieces, depth = [], 0
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', data[begin:], re.DOTALL):
        byte, at = token.group(), data.index(b"[") + 1 + token.start()
        if byte in (b"{", b"["):
            depth += 1
        elif byte in (b"}", b"]") and depth:
            depth -= 1
        elif byte in (b",", b"]") and not depth:
            pieces.append((begin, data[begin:at]))
            begin = at + 1
            if byte == b"]":
                if data[begin:].strip(BLANKS):
                    raise NoArray("there is more behind it")
                return pieces
    raise NoArray("it does not end")


def json_array(data, time):
    """A file that is one array. Its objects become lines, without the white space between their tokens."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    rows, rejects, pieces = [], [], elements(data)
    if len(pieces) == 1 and not pieces[0][1].strip(BLANKS):
        return rows, rejects
    for begin, piece in pieces:
        text = piece.strip(BLANKS)
        line = data[:begin + len(piece) - len(piece.lstrip(BLANKS))].count(b"\n") + 1
        try:
            rows.append(Row(one_object(text, time), compact(text)))
        except Refused as why:
            rejects.append(Reject(line, str(why), shown(text)))
    return rows, rejects


# -- CSV, RFC 4180 --

def records(text, separator):
    """(line on which it begins, its bytes, its cells or None where it is none) of each record that is not blank. A quote
    opens where a cell begins, and elsewhere is a character like others; an open one ends with the input."""
    at, line = 0, 1
    while at < len(text):
        cells, begin, valid = [], at, True
        while True:
            cell = b""
            if text[at:at + 1] == b'"':
                at += 1
                while True:
                    quote = text.find(b'"', at)
                    if quote < 0:
                        cell, at, valid = cell + text[at:], len(text), False
                        break
                    cell, at = cell + text[at:quote], quote + 1
                    if text[at:at + 1] != b'"':
                        break
                    cell, at = cell + b'"', at + 1
                if at < len(text) and text[at:at + 1] not in (separator, b"\n") and text[at:at + 2] != b"\r\n":
                    valid = False
            end = at
            while end < len(text) and text[end:end + 1] not in (separator, b"\n"):
                end += 1
            rest = text[at:end]
            if text[end:end + 1] != separator:
                rest = rest.removesuffix(b"\r")
            cells.append(cell + rest)
            at = end
            if text[at:at + 1] != separator:
                break
            at += 1
        record = text[begin:at].removesuffix(b"\r")
        at += 1
        if record.strip(BLANKS):
            yield line, record, cells if valid else None
        line += text[begin:at].count(b"\n")


def decoded(cells):
    try:
        return cells and [cell.decode() for cell in cells]
    except UnicodeDecodeError:
        return None


def csv(data, time, separator=b","):
    """Rows whose `line` is a dict of the header's names and the cells that are not empty."""
    found = records(data.removeprefix(b"\xef\xbb\xbf"), separator)
    names = [name.decode().strip(" \t") for name in next(found)[2]]
    rows, rejects = [], []
    for line, record, cells in found:
        try:
            cells = decoded(cells)
            if len(record) > LINE_MAX:
                raise Refused(LONG)
            if not cells or len(cells) != len(names):
                raise Refused(RECORD)
            row = dict(zip(names, cells))
            if not row[time.column].strip(" \t"):
                raise Refused(NULL_TIME)
            rows.append(Row(time.of_text(row[time.column]), {name: cell for name, cell in row.items() if cell}))
        except Refused as why:
            rejects.append(Reject(line, str(why), shown(record)))
    return rows, rejects


# -- partitions --

def path_of(tick):
    """y=2021/m=11/d=07/h=03/m=05"""
    at = datetime(1, 1, 1) + timedelta(seconds=tick // FIVE_MINUTES * 300)
    return f"y={at.year:04}/m={at.month:02}/d={at.day:02}/h={at.hour:02}/m={at.minute:02}"


def partitions(rows):
    """The bytes of each partition's blob: its lines in the order of the input."""
    blobs = {}
    for row in rows:
        blobs.setdefault(path_of(row.tick), []).append(row.line + b"\n")
    return {path: b"".join(lines) for path, lines in blobs.items()}
