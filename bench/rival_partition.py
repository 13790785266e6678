"""One rival at the work of `weir partition`: JSON lines into folders of five minutes, as its users write it. In a process of
its own, which tells the seconds of the work alone, without its start.

    rival_partition.py spark|polars|duckdb INPUT FOLDER
"""
import json
import os
import sys
import time

KEYS = ["y", "m", "d", "h", "mi"]  # the layout's second `m` would be a column's name twice


def with_spark(path, folder):
    """As the notebook has it: schema by inference, a column for each level, a shuffle so that each folder gets one file."""
    from pyspark.sql import SparkSession, functions as f
    spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.memory", "8g")
             .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
             .config("spark.local.dir", os.path.dirname(folder)).config("spark.sql.session.timeZone", "UTC").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    begin = time.perf_counter()
    at = f.to_timestamp("TimeGenerated")
    levels = [f.date_format(at, "yyyy"), f.date_format(at, "MM"), f.date_format(at, "dd"), f.date_format(at, "HH"),
              f.format_string("%02d", f.floor(f.minute(at) / 5).cast("int") * 5)]
    rows = spark.read.json(path).withColumns(dict(zip(KEYS, levels)))
    rows.repartition(*KEYS).write.partitionBy(*KEYS).json(folder)
    return begin


def with_polars(path, folder):
    import polars as pl
    begin = time.perf_counter()
    at = pl.col("TimeGenerated").str.to_datetime(time_zone="UTC").dt.truncate("5m")
    levels = [at.dt.strftime(form).alias(key) for form, key in zip(("%Y", "%m", "%d", "%H", "%M"), KEYS)]
    rows = pl.scan_ndjson(path, infer_schema_length=10_000, ignore_errors=True).with_columns(levels)
    rows.sink_ndjson(pl.PartitionBy(folder, key=KEYS), mkdir=True)
    return begin


def with_duckdb(path, folder):
    import duckdb
    begin = time.perf_counter()
    at = "time_bucket(INTERVAL 5 MINUTES, TimeGenerated::TIMESTAMP)"
    levels = ", ".join(f"strftime({at}, '{form}') AS {key}" for form, key in zip(("%Y", "%m", "%d", "%H", "%M"), KEYS))
    duckdb.sql(f"COPY (SELECT *, {levels} FROM read_json('{path}', format = 'newline_delimited')) "
               f"TO '{folder}' (FORMAT parquet, PARTITION_BY ({', '.join(KEYS)}))")
    return begin


def main():
    name, path, folder = sys.argv[1:]
    begin = {"spark": with_spark, "polars": with_polars, "duckdb": with_duckdb}[name](path, folder)
    print(json.dumps({"seconds": time.perf_counter() - begin}), flush=True)


if __name__ == "__main__":
    main()
