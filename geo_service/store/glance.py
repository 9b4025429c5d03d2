"""
Whether anybody committed to a SQLite file, without asking the database.

In WAL mode every commit of every process writes a new header into the shared memory of the log: a change counter,
salts, the end of the log and its checksum, twice [1]_. Each transaction begins by comparing it with the one before; so
whoever finds it unchanged would be told what he was told then. To look costs half a microsecond, the transaction
ten times as much and more. The memory is SQLite's own mapping, asked for through the interface of its files [2]_:
a second opening of that file would drop SQLite's locks on it when it is closed.

References
----------
.. [1] https://www.sqlite.org/walformat.html, "The WAL-Index Header".
.. [2] https://www.sqlite.org/c3ref/io_methods.html, ``xShmMap``.
"""

import ctypes

import apsw

_HEADER_BYTES = 48
_REGION_BYTES = 32768
_SHM_MAP = 13
"""Place of ``xShmMap`` among the words of ``sqlite3_io_methods``, in its second version and later."""

_ShmMap = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p)
)


class Glance:
    """
    A look at the header of a log; not to be looked at any more once the connection is closed.

    Parameters
    ----------
    connection
        In WAL mode, and read from before.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        address = _address_of_header(connection)
        self._twice = (ctypes.c_char * (2 * _HEADER_BYTES)).from_address(address) if address else None

    def look(self) -> bytes:
        """
        Read the header.

        Returns
        -------
        header
            The same bytes as long as nobody commits; none, while somebody does or if it cannot be told.
        """
        if self._twice is None:
            return b""
        seen: bytes = self._twice.raw
        return seen if seen[:_HEADER_BYTES] == seen[_HEADER_BYTES:] else b""


def _address_of_header(connection: apsw.Connection) -> int:
    """Where SQLite has mapped the header; 0 if these files have no shared memory."""
    file, memory = ctypes.c_void_p(), ctypes.c_void_p()
    if (
        not connection.file_control("main", apsw.SQLITE_FCNTL_FILE_POINTER, ctypes.addressof(file))
        or not file
    ):
        return 0
    methods = ctypes.c_void_p.from_address(file.value or 0).value or 0
    if not methods or ctypes.c_int.from_address(methods).value < 2:
        return 0
    word = ctypes.c_void_p.from_address(methods + _SHM_MAP * ctypes.sizeof(ctypes.c_void_p)).value
    if not word or _ShmMap(word)(file, 0, _REGION_BYTES, 0, ctypes.byref(memory)) != apsw.SQLITE_OK:
        return 0
    return memory.value or 0
