import sys

from benchmarks import bulk_load
from benchmarks.measure import measure
from benchmarks.on_mongo import OnMongo
from benchmarks.run import table
from rich.console import Console

import tristore.adapters.documents.chunks as ch
from tristore.adapters.testing.server import MongoServer

with MongoServer() as server:
    m = OnMongo(server.url_for("benchmark"))
    con = Console(width=110)
    for size in map(int, sys.argv[1:]) or [ch.CHUNK]:
        ch.CHUNK = size
        print(size)
        con.print(table([measure(c) for c in (bulk_load.case(m), bulk_load.made_before_case(m))]))
    con.print(bulk_load.memory_table(m))
