"""The only room that knows DuckDB: one file of runs, records and the views over them."""

from damopipe.store.buffer import Appender
from damopipe.store.engine import StoreBusyError, sql_error
from damopipe.store.result import Result
from damopipe.store.runs import RunStart
from damopipe.store.store import Store

__all__ = ["Appender", "Result", "RunStart", "Store", "StoreBusyError", "sql_error"]
