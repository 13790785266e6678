"""What weir leaves in a lake is read by others: DuckDB, Polars, pandas and Spark, the JSON of partitions, the Parquet of
compacted days, and the Delta table over it (deltalake, Spark). Each finds the rows of the source, no more and no less, times to
the tick of 100 ns.
"""
import json
import os
import unittest
from collections import Counter

import deltalake
import duckdb
import pandas
import polars
import pyarrow
import pyarrow.dataset

from campaign import seed_of
from harness import SOURCE, Folder, Weir, generate, ticks

TABLE = "CommonSecurityLog"
ROWS = 500
COLUMNS = ["TimeGenerated", "SourceIP", "SourcePort", "SentBytes", "DeviceCustomFloatingPoint1", "Activity", "StartTime"]
TIMES = ("TimeGenerated", "StartTime")
TYPES = {"TimeGenerated": "VARCHAR", "SourceIP": "VARCHAR", "SourcePort": "INTEGER", "SentBytes": "BIGINT",
         "DeviceCustomFloatingPoint1": "DOUBLE", "Activity": "VARCHAR", "StartTime": "VARCHAR"}
EPOCH = ticks("1970-01-01T00:00:00Z")


def plain(value):
    """An empty string, a null and nothing are one."""
    if value is None or value == "" or value != value:
        return None
    return value


def row_of_json(row):
    """A row whose times are texts."""
    return tuple(ticks(row[name]) if name in TIMES and plain(row.get(name)) else plain(row.get(name)) for name in COLUMNS)


def row_of_parquet(row):
    """A row whose times are microseconds since 1970 beside a column of the ticks that are left."""
    out = []
    for name in COLUMNS:
        value = plain(row.get(name))
        if name in TIMES and value is not None:
            value = EPOCH + int(value) * 10 + int(row.get(f"{name}__ticks") or 0)
        out.append(value)
    return tuple(out)


def partition_and_compact():
    """A lake of a table that was brought in and compacted with a Delta table, and what its source says."""
    weir, data = Weir(), generate(TABLE, rows=ROWS, days=2, seed=seed_of("readers") % 10_000)
    source = data / f"{TABLE}.jsonl"
    weir.ok("partition", source, "--table", TABLE, "--lake", weir.lake)
    weir.ok("compact", TABLE, "--lake", weir.lake, "--closed-after", "0s", "--start", "2021-11-01", "--end", "2021-11-10", "--delta")
    with open(source, encoding="utf-8") as lines:
        return weir, Counter(row_of_json(json.loads(line)) for line in lines)


class Readers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.weir, cls.truth = partition_and_compact()
        cls.json = f"{cls.weir.lake}/am-{TABLE.lower()}/**/PT05M_*.json"
        cls.blobs = sorted(cls.weir.lake.glob("am-*/**/PT05M_*.json"))
        (cls.folder,) = cls.weir.lake.glob(f"weir/*/{TABLE.lower()}/parquet")
        cls.parquet = f"{cls.folder}/**/*.parquet"
        cls.ticks = [f"{name}__ticks" for name in TIMES]

    def equal(self, rows, truth=None):
        got, truth = Counter(rows), truth or self.truth
        self.assertEqual(got - truth, Counter(), "rows that the source does not have")
        self.assertEqual(truth - got, Counter(), "rows of the source that are not found")

    def test_weir_query_finds_them_too(self):
        done = self.weir.ok("query", f"{TABLE} | project {', '.join(COLUMNS)}", "--lake", self.weir.lake, "--output", "jsonl")
        self.equal(row_of_json(json.loads(line)) for line in done.stdout.splitlines())

    # -- JSON --

    def test_duckdb_reads_the_json(self):
        found = duckdb.sql(f"SELECT * FROM read_json('{self.json}', format = 'newline_delimited', hive_partitioning = false, "
                           f"columns = {TYPES})").fetchall()
        self.equal(row_of_json(dict(zip(COLUMNS, row))) for row in found)

    def test_polars_reads_the_json(self):
        schema = {"VARCHAR": polars.String, "INTEGER": polars.Int32, "BIGINT": polars.Int64, "DOUBLE": polars.Float64}
        found = polars.scan_ndjson(self.blobs, schema={name: schema[kind] for name, kind in TYPES.items()}).collect()
        self.equal(row_of_json(row) for row in found.to_dicts())

    def test_pandas_reads_the_json(self):
        """But for a real number, of which its JSON reader takes 15 digits."""
        def coarse(row):
            return tuple(None if name == "DeviceCustomFloatingPoint1" else value for name, value in zip(COLUMNS, row))
        found = pandas.concat(pandas.read_json(blob, lines=True, dtype=False) for blob in self.blobs)
        self.assertEqual(len(found), self.truth.total())
        rows = found.reindex(columns=COLUMNS).astype(object).to_dict("records")
        truth = Counter()
        for row, n in self.truth.items():
            truth[coarse(row)] += n
        self.equal((coarse(row_of_json(row)) for row in rows), truth)

    # -- Parquet --

    def test_duckdb_reads_the_parquet(self):
        here = duckdb.sql(f"SELECT * FROM read_parquet('{self.parquet}', union_by_name = true) LIMIT 0").columns
        self.assertEqual(str(duckdb.sql(f"SELECT TimeGenerated FROM '{self.parquet}'").types[0]), "TIMESTAMP WITH TIME ZONE")
        names = [f"epoch_us({name}) AS {name}" if name in TIMES else name for name in COLUMNS]
        names += [name for name in self.ticks if name in here]
        found = duckdb.sql(f"SELECT {', '.join(names)} FROM read_parquet('{self.parquet}', union_by_name = true)")
        self.equal(row_of_parquet(dict(zip(found.columns, row))) for row in found.fetchall())

    def frame(self, found):
        """Of Polars: times as microseconds."""
        times = [polars.col(name).dt.epoch("us") for name in TIMES]
        self.equal(row_of_parquet(row) for row in found.with_columns(times).to_dicts())

    def test_polars_reads_the_parquet(self):
        names = COLUMNS + [name for name in self.ticks if name in polars.scan_parquet(self.parquet).collect_schema()]
        self.frame(polars.scan_parquet(self.parquet).select(names).collect())

    def test_pandas_reads_the_parquet(self):
        found = pandas.concat(pandas.read_parquet(path) for path in sorted(self.folder.glob("**/*.parquet")))
        self.assertEqual(str(found["TimeGenerated"].dtype), "datetime64[us, UTC]")
        rows = found.reindex(columns=COLUMNS + self.ticks)
        for name in TIMES:
            rows[name] = rows[name].astype("int64")
        for name in self.ticks:
            rows[name] = rows[name].fillna(0)
        self.equal(row_of_parquet(row) for row in rows.astype(object).to_dict("records"))

    # -- Delta --

    def test_deltalake_reads_the_delta_table(self):
        table = deltalake.DeltaTable(str(self.folder))
        self.assertEqual({str(self.folder / path) for path in files_of(table)},
                         {str(path) for path in self.folder.glob("**/*.parquet")})
        names = COLUMNS + [name for name in self.ticks if name in table.schema().to_arrow().names]
        found = pyarrow.dataset.dataset([str(self.folder / path) for path in files_of(table)]).to_table(columns=names)
        self.frame(polars.from_arrow(found))

    def test_polars_reads_the_delta_table(self):
        names = COLUMNS + [name for name in self.ticks if name in polars.scan_delta(str(self.folder)).collect_schema()]
        self.frame(polars.scan_delta(str(self.folder)).select(names).collect())

    # -- Spark --

    def test_spark_reads_all_three(self):
        spark = spark_session()
        self.addCleanup(spark.stop)
        with self.subTest("JSON"):
            found = spark.read.option("recursiveFileLookup", "true").json(str(self.weir.lake / f"am-{TABLE.lower()}"))
            self.equal(row_of_json(row.asDict()) for row in found.select(COLUMNS).collect())
        for kind in ("parquet", "delta"):
            with self.subTest(kind):
                found = spark.read.format(kind).load(str(self.folder))
                self.assertEqual(dict(found.dtypes)["TimeGenerated"], "timestamp")
                names = [f"unix_micros({name}) AS {name}" if name in TIMES else name for name in COLUMNS]
                names += [name for name in self.ticks if name in found.columns]
                self.equal(row_of_parquet(row.asDict()) for row in found.selectExpr(*names).collect())


def files_of(table):
    """Of a DeltaTable the files that count, below its folder."""
    return pyarrow.table(table.get_add_actions(flatten=True))["path"].to_pylist()


def spark_session():
    """Spark on this machine alone, with Delta's jars (scripts/pins)."""
    from pyspark.sql import SparkSession
    jars = ",".join(str(jar) for jar in sorted((SOURCE / "build" / "jars").glob("*.jar")))
    os.environ["SPARK_LOCAL_DIRS"], os.environ["SPARK_LOCAL_IP"] = str(Folder().path), "127.0.0.1"
    return (SparkSession.builder.master("local[2]").appName("weir").config("spark.jars", jars)
            .config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1").config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", "2").config("spark.sql.warehouse.dir", str(Folder().path))
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .config("spark.databricks.delta.snapshotPartitions", "2").getOrCreate())


if __name__ == "__main__":
    unittest.main(verbosity=2)
