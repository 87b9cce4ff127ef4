"""A file that HDF5 writes to, and that does not end the process when the disk is full."""

import io
import os


class PatientFile(io.FileIO):
    """A file that takes what has no room on the disk, and says so only when it is asked.

    The HDF5 library ends the process (a segmentation fault) when a write fails while it closes a
    file, so it must not hear of it.
    """

    _error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, or skip as many bytes where there is no room any more."""
        if self._error is None:
            try:
                return self._write_all(memoryview(data))
            except OSError as error:
                self._error = error
        self.seek(len(data), os.SEEK_CUR)
        return len(data)

    def check(self) -> None:
        """Raise the error of the first write that failed."""
        if self._error:
            raise self._error

    def _write_all(self, data: memoryview) -> int:
        done = 0
        while done < len(data):
            done += super().write(data[done:])
        return done
