"""What `weir consume` prints of the tour's topic, held against what was produced, record by record."""


class ReplayError(Exception):
    """The topic does not hold what was produced; the text says what is wrong first."""


class Replay:
    """Takes lines as in b"PARTITION:OFFSET<tab>KEY<tab>NUMBER TEXT<newline>", a partition's in order.

    `expected(number)` gives the key (b"" when it has none) and the text of a record.
    """

    def __init__(self, count, expected):
        self._count = count
        self._expected = expected
        self._seen = bytearray(count)
        self._next_offset = {}  # partition -> offset
        self._last = {}  # key -> (partition, number of its newest record)
        self.records = 0

    @property
    def keys(self):
        return len(self._last)

    @property
    def partitions(self):
        return len(self._next_offset)

    def take(self, line):
        """Checks one line and gives the text of its record."""
        place, key, value = line.rstrip(b"\n").split(b"\t", 2)
        partition, offset = place.split(b":")
        number_text, text = value.split(b" ", 1)
        number = int(number_text)
        if not 0 <= number < self._count or (key, text) != self._expected(number):
            raise ReplayError(f"at {place.decode()} is a record that was never sent: {line!r}")
        if self._seen[number]:
            raise ReplayError(f"record {number} is there twice, the second time at {place.decode()}")
        self._seen[number] = 1
        if int(offset) != self._next_offset.get(partition, 0):
            raise ReplayError(f"offset {self._next_offset.get(partition, 0)} was to come, not {place.decode()}")
        self._next_offset[partition] = int(offset) + 1
        if key:
            last_partition, last_number = self._last.get(key, (partition, -1))
            if last_partition != partition:
                raise ReplayError(f"key {key!r} is in two partitions, {last_partition.decode()} and {partition.decode()}")
            if last_number > number:
                raise ReplayError(f"key {key!r} is out of order: record {last_number} comes before {number}")
            self._last[key] = (partition, number)
        self.records += 1
        return text

    def finish(self):
        missing = self._seen.count(0)
        if missing:
            raise ReplayError(f"{missing} of {self._count} records are missing; the first is number {self._seen.index(0)}")
