"""Tables as people have them: the same rows, however they are written."""

import gzip
import random

import numpy as np
import pytest

import j3o_jax as j3o
from j3o_jax.io.tables import columns_of

PLAIN = "model,batch_size,latency_s\nnet,1,0.0107\nnet,2,0.0113\n"


def rows(tmp_path, text, name="rows.csv", **keywords):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return j3o.read_latency_rows(path, **keywords)


@pytest.mark.parametrize(
    ("text", "keywords"),
    [
        (PLAIN, {}),
        (PLAIN.replace(",", ";"), {}),
        (PLAIN.replace(",", "\t"), {}),
        (PLAIN.replace(",", "|"), {}),
        (PLAIN.replace(",", ";").replace(".", ","), {}),
        (PLAIN.replace(",", "\t").replace(".", ","), {}),
        ('model,batch_size,latency_s\nnet,1,"0,0107"\nnet,2,"0,0113"\n', {}),
        ("\ufeff" + PLAIN.replace("\n", "\r\n"), {}),
        (PLAIN.replace("model,batch_size,latency_s", "Model, Batch_Size ,LATENCY_S"), {}),
        (
            PLAIN.replace("batch_size", "n").replace("latency_s", "t"),
            {"columns": {"batch_size": "n", "latency_s": "t"}},
        ),
        (PLAIN.replace("model", "latency_s").replace(",latency_s\n", ",t\n"), {"columns": {"latency_s": "t"}}),
        (PLAIN.replace("0.0107", "10.7").replace("0.0113", "11.3"), {"time_unit": "ms"}),
        (PLAIN.replace("0.0107", "10700").replace("0.0113", "11300"), {"time_unit": "us"}),
        (gzip.compress(PLAIN.encode(), mtime=0), {}),
        (gzip.compress(("\ufeff" + PLAIN.replace(",", ";").replace(".", ",")).encode(), mtime=0), {}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_the_same_rows_however_they_are_written(tmp_path, text, keywords, name):
    (found,) = rows(tmp_path, text, name, **keywords).values()
    np.testing.assert_array_equal(found.batch_size, [1.0, 2.0])
    np.testing.assert_allclose(found.latency, [0.0107, 0.0113], rtol=1e-12)


def test_a_comma_that_may_mean_a_thousand_is_not_read(tmp_path):
    with pytest.raises(j3o.FileError, match=r"rows.csv:2: latency_s = '1,500': write a number of seconds"):
        rows(tmp_path, 'batch_size,latency_s\n1,"1,500"\n')


def test_damaged_archives_are_told(tmp_path):
    noise = "".join(random.Random(0).choices("0123456789", k=5000))
    packed = gzip.compress(f"{PLAIN}net,3,0.{noise}\n".encode(), mtime=0)
    for damaged in (packed[:-2000], packed[:20] + b"xxxxxxxx" + packed[28:]):
        with pytest.raises(j3o.FileError, match="damaged gzip archive"):
            rows(tmp_path, damaged)


def test_columns_are_named_by_an_option():
    known = ("timestamp", "client", "task")
    assert columns_of("timestamp=time, client=cam id", known) == {"timestamp": "time", "client": "cam id"}
    assert columns_of("time=timestamp", known) == {"timestamp": "time"}
    for text, words in (
        ("timestamp", "is no pair: write timestamp=NAME"),
        ("timestamp=", "is no pair"),
        ("tiemstamp=time", "did you mean 'timestamp'?"),
        ("task=a,task=b", "task is there twice"),
    ):
        with pytest.raises(ValueError, match=words):
            columns_of(text, known)


def test_arguments_that_mean_nothing_are_refused(tmp_path):
    with pytest.raises(ValueError, match="time_unit: must be one of s, ms, us, ns, got 'h'"):
        rows(tmp_path, PLAIN, time_unit="h")
    with pytest.raises(ValueError, match="columns: 'size' is none of batch_size, latency_s, model"):
        rows(tmp_path, PLAIN, columns={"size": "n"})
