"""What may be bought, as files have it: prices, lists of numbers, single nodes, and what is refused."""

import copy
import json

import numpy as np
import pytest

import j3o_jax as j3o

DOCUMENT = {
    "tasks": [{"name": "depth", "input_mb": 0.5}],
    "models": [
        {"name": "large", "edge": {"memory_mb": 90}, "accuracy": {"depth": 0.9}},
        {"name": "small", "client": {"memory_mb": 20}, "edge": {"memory_mb": 25}, "accuracy": {"depth": 0.7}},
    ],
    "devices": [
        {"name": "phone", "latency_ms": {"small": 12.5}, "price": 200},
        {"name": "box", "latency_ms": {"small": 4, "large": 20}, "memory_mb": {"large": 80}, "price": 1000},
        {"name": "laptop", "latency_ms": {"small": 8}},
    ],
    "edges": [{"name": "hall", "memory_mb": 128, "device": "box", "parallel": 4, "uplink_mb_per_s": 10}],
    "clients": [
        {"name": name, "edge": "hall", "memory_mb": 32, "device": "phone", "demand_per_s": {"depth": rate}}
        for name, rate in (("a", 100), ("b", 10))
    ],
    "cloud": {"uplink_mb_per_s": 1},
    "options": {
        "currency": "EUR",
        "budget": 5000,
        "target_accuracy": 0.8,
        "choices": [
            {
                "name": "phones",
                "clients": ["a", "b"],
                "separately": True,
                "take": [
                    "keep",
                    {"device": "laptop", "price": 700},
                    {"name": "more memory", "memory_mb": 64, "price": 30},
                ],
            },
            {"name": "boxes", "edges": ["hall"], "take": ["none", {"device": "box", "parallel": [1, 4]}]},
            {
                "name": "link",
                "edges": ["hall"],
                "take": [{"uplink_mb_per_s": [5, 20], "price": 100, "price_per_mb_per_s": 2}],
            },
            {"name": "cloud", "cloud": True, "take": ["keep", {"uplink_mb_per_s": "unlimited", "price": 900}]},
        ],
    },
}


def read(tmp_path, document):
    path = tmp_path / "site.json"
    path.write_text(json.dumps(document))
    return j3o.read_options(str(path))


def test_what_a_file_says_may_be_bought(tmp_path):
    wanted = read(tmp_path, DOCUMENT)
    assert (wanted.currency, wanted.budget, wanted.target) == ("EUR", 5000.0, 0.8)
    prices = {choice.name: {one.name: one.price for one in choice.alternatives} for choice in wanted.choices}
    phones = {"keep": 0.0, "laptop": 700.0, "more memory": 30.0}
    assert prices == {
        "phones, a": phones,
        "phones, b": phones,
        "boxes": {"none": 0.0, "box ×1": 1000.0, "box ×4": 4000.0},
        "link": {"5 MB/s": 110.0, "20 MB/s": 140.0},
        "cloud": {"keep": 0.0, "unlimited": 900.0},
    }
    boxes, cloud = wanted.choices[2], wanted.choices[4]
    assert (boxes.edges, cloud.edges, cloud.clients) == ((0,), (), ())
    _, laptop, memory = wanted.choices[1].alternatives
    np.testing.assert_array_equal(laptop.values["client_model_compute"], [[0.0, 0.008]])
    np.testing.assert_array_equal(memory.values["client_memory"], [64.0])
    assert set(memory.values) == {"client_memory"}
    none, one, four = boxes.alternatives
    np.testing.assert_array_equal(none.values["edge_memory"], [0.0])
    np.testing.assert_array_equal((one.values["edge_compute"], four.values["edge_compute"]), [[1.0], [4.0]])
    np.testing.assert_array_equal(four.values["edge_model_memory"], [[80.0, 25.0]])
    assert cloud.alternatives[1].values["cloud_uplink"] == np.inf


def test_nodes_together_cost_as_many_times(tmp_path):
    document = copy.deepcopy(DOCUMENT)
    del document["options"]["choices"][0]["separately"]
    first, *_ = read(tmp_path, document).choices
    assert [one.price for one in first.alternatives] == [0.0, 1400.0, 60.0]
    assert first.clients == (0, 1)


def test_a_machine_by_gflops_takes_the_place_of_a_device(tmp_path):
    document = copy.deepcopy(DOCUMENT)
    for model in document["models"]:
        model["edge"]["gflop_per_query"] = 30
    document["options"]["choices"][1]["take"] = [
        "keep",
        {"compute_gflop_per_s": [500, 900], "memory_mb": 64, "price": 10},
    ]
    boxes = read(tmp_path, document).choices[2]
    assert [one.name for one in boxes.alternatives] == ["keep", "64 MB 500 GFLOP/s", "64 MB 900 GFLOP/s"]
    np.testing.assert_array_equal(boxes.alternatives[2].values["edge_model_compute"], [[30.0, 30.0]])
    np.testing.assert_array_equal(boxes.alternatives[2].values["edge_compute"], [900.0])


def test_other_commands_read_the_deployment_alone(tmp_path):
    path = tmp_path / "site.json"
    plain = {key: value for key, value in DOCUMENT.items() if key != "options"}
    loaded = []
    for document in (DOCUMENT, plain):
        path.write_text(json.dumps(document))
        loaded.append(j3o.load(str(path), want=j3o.Scenario).arrays())
    for name, array in loaded[0].items():
        np.testing.assert_array_equal(array, loaded[1][name])


def without(document, *keys):
    for key in keys[:-1]:
        document = document[key]
    del document[keys[-1]]


CHOICES = "options.choices"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: without(d, "options"), "has no options: write what may be bought"),
        (lambda d: d["options"].update(choices=[]), f"{CHOICES} is an empty list"),
        (lambda d: d["options"].update(budget=-1), "options.budget = -1 is negative"),
        (lambda d: d["options"].update(target_accuracy=80), "options.target_accuracy = 80 is above 1"),
        (lambda d: choice(d, 0, clients=["a", "c"]), f"{CHOICES}[0].clients[1] = 'c' is not one of the clients"),
        (lambda d: choice(d, 0, clients=["a", "a"]), f"{CHOICES}[0].clients[1] = 'a' is there twice"),
        (lambda d: choice(d, 0, edges=["hall"]), f"{CHOICES}[0] must be about clients, about edges, or"),
        (lambda d: choice(d, 3, cloud=False), f"{CHOICES}[3] must be about clients, about edges, or"),
        (lambda d: choice(d, 0, take=[]), f"{CHOICES}[0].take is an empty list"),
        (lambda d: choice(d, 0, take=["kept"]), "= 'kept' is unknown: write keep, none"),
        (lambda d: choice(d, 0, take=[{"price": 3}]), f"{CHOICES}[0].take[0] changes nothing"),
        (lambda d: choice(d, 0, take=[{"device": "phon"}]), "'phon' is not one of the devices: did you mean 'phone'?"),
        (lambda d: choice(d, 0, take=[{"device": "laptop"}]), f"{CHOICES}[0].take[0] has no price"),
        (lambda d: choice(d, 0, take=[{"memory_mb": 64}]), f"{CHOICES}[0].take[0] has no price"),
        (lambda d: choice(d, 0, take=[{"memory_mb": -64, "price": 1}]), "is negative"),
        (lambda d: choice(d, 0, take=[{"memory_mb": [], "price": 1}]), "is an empty list"),
        (lambda d: choice(d, 0, take=[{"uplink_mb_per_s": 6, "price": 1}]), "nothing that can be chosen here"),
        (lambda d: choice(d, 1, take=[{"device": "box", "compute_gflop_per_s": 9}]), "is there beside a device"),
        (lambda d: choice(d, 1, take=[{"compute_gflop_per_s": 9, "price": 1}]), "makes a deployment that cannot be"),
        (lambda d: choice(d, 1, take=[{"device": "box", "price_per_mb_per_s": 9}]), "is the price of an uplink"),
        (lambda d: choice(d, 3, take=["none"]), "the cloud is there"),
        (
            lambda d: choice(d, 3, take=[{"uplink_mb_per_s": "unlimited", "price_per_mb_per_s": 1}]),
            "costs more than",
        ),
        (lambda d: choice(d, 1, nam="x"), "is not a known key: did you mean 'name'?"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(tmp_path, change, words):
    document = copy.deepcopy(DOCUMENT)
    change(document)
    with pytest.raises(j3o.FileError) as refused:
        read(tmp_path, document)
    assert words in str(refused.value)


def choice(document, number, **changes):
    document["options"]["choices"][number].update(changes)
