"""Runs one of the shipped SQL files and prints its rows as a JSON array.

query.py duckdb|clickhouse FILE ARCHIVE
"""
import json
import sys

engine, path, archive = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    sql = file.read().replace("ARCHIVE", archive)
# What stands in front of the query may hold a semicolon of its own.
sql = "\n".join(line for line in sql.splitlines() if not line.startswith("--")).strip().rstrip(";")
if engine == "duckdb":
    import duckdb

    result = duckdb.execute(sql)
    names = [column[0] for column in result.description]
    rows = [dict(zip(names, row)) for row in result.fetchall()]
else:
    import chdb

    rows = json.loads(str(chdb.query(sql, "JSON")))["data"]
    for row in rows:
        for key, value in row.items():
            # ClickHouse writes 64-bit integers as text, which JavaScript could not hold.
            if isinstance(value, str) and value.isdigit():
                row[key] = int(value)
print(json.dumps(rows))
