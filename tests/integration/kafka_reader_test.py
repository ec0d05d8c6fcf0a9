"""Record batches and a public reader of the format, the record parser and builder of python3-kafka, agree.

  kafka_reader_test.py check BATCHES EXPECTED     BATCHES (a .log segment, or any file of batches) decodes to the records
                                                  in EXPECTED, lines of JSON as batch_json.h describes them
  kafka_reader_test.py both-ways WRITER READER    what WRITER (write_batches) writes is read by python3-kafka, and what
                                                  python3-kafka writes is read by READER (read_batches)
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def to_hex(data):
    return None if data is None else bytes(data).hex()


def as_dict(offset, timestamp, key, value, headers):
    return {
        "offset": offset,
        "timestamp": timestamp,
        "key": to_hex(key),
        "value": to_hex(value),
        "headers": [[name, to_hex(content)] for name, content in headers],
    }


def kafka_read(data):
    """Yields the records of a file of batches; fails when a CRC is wrong or anything is left over."""
    batches = MemoryRecords(data)
    while batches.has_next():
        batch = batches.next_batch()
        assert batch.magic == 2, batch.magic
        assert batch.validate_crc(), f"the CRC of the batch at offset {batch.base_offset} is wrong"
        for record in batch:
            yield as_dict(record.offset, record.timestamp, record.key, record.value, record.headers)
    assert batches.valid_bytes() == len(data), f"{len(data) - batches.valid_bytes()} bytes are no batch"


def compare(found, expected, what):
    found, expected = list(found), list(expected)
    for got, want in zip(found, expected):
        assert got == want, f"{what}: read {got}, expected {want}"
    assert len(found) == len(expected), f"{what}: {len(found)} records, expected {len(expected)}"
    print(f"{what}: {len(found)} records are the same")


def check(batches, expected):
    lines = pathlib.Path(expected).read_text().splitlines()
    compare(kafka_read(pathlib.Path(batches).read_bytes()), map(json.loads, lines), batches)


def sample_records():
    time = 1_700_000_000_000
    yield time, b"key", b"value", []
    yield time - 10, None, b"no key", []
    yield time + 100_000, b"no value", None, []
    yield time, b"", b"", [("a", b"1"), ("empty", b""), ("null", None), ("a", b"again")]
    for i in range(2000):
        yield time + i, b"key-%d" % (i % 7), b"the same value again and again, number %d" % i, []


def kafka_write(path, codec):
    """Writes one batch and returns the records in it."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=CODECS[codec], is_transactional=False, producer_id=4711, producer_epoch=3,
        base_sequence=1000, batch_size=1 << 30)
    records = []
    for offset, (timestamp, key, value, headers) in enumerate(sample_records()):
        assert builder.append(offset, timestamp, key, value, headers) is not None
        records.append(as_dict(offset, timestamp, key, value, headers))
    batch = bytes(builder.build())
    assert batch[22] & 7 == CODECS[codec], f"python3-kafka did not compress with {codec}"
    path.write_bytes(batch)
    return records


def both_ways(writer, reader):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([writer, folder / "ours.log", folder / "ours.jsonl"], check=True)
        check(folder / "ours.log", folder / "ours.jsonl")
        for codec in CODECS:
            records = kafka_write(folder / "theirs.log", codec)
            output = subprocess.run([reader, folder / "theirs.log"], check=True, stdout=subprocess.PIPE, text=True)
            compare(map(json.loads, output.stdout.splitlines()), records, f"written by python3-kafka with {codec}")


if __name__ == "__main__":
    commands = {"check": check, "both-ways": both_ways}
    if len(sys.argv) != 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
