import json
import os
import pickle

import pytest
from ruamel.yaml import YAML
from support.file_examples import SMALL

from j3o_jax import Scenario
from j3o_jax.io import FileError, load

WINDOW = "uplink_mb_per_s: 500, batching_window_s: 0.5"

DECIMALS = "looks like the decimals of a number with a decimal comma: write it with a point, such as 20.5"

# By the line and the place of the fault: what is replaced in the small deployment and by what, and what is said of it.
SLIPS = {
    (14, "clients[0].demand_per_s.depth"): [
        ("depth: 3}", "depth: -3}", "= -3 is negative: write a rate >= 0, in queries/s"),
        ("depth: 3}", "depth: .nan}", "= nan is not a number: write a rate"),
        ("depth: 3}", "depth: .inf}", "= inf is infinite: write a rate"),
        ("depth: 3}", "depth: -.inf}", "= -inf is negative"),
        ("depth: 3}", "depth: unlimited}", "is text: write the number alone"),
        ("depth: 3}", "depth: 1e999}", "is too large a number: write a rate"),
        ("depth: 3}", f"depth: {'9' * 5000}}}", "is too large a number: write a rate"),
        ("depth: 3}", "depth: 99999999999999999999}", "= 1e+20 queries/s"),
        ("depth: 3}", "depth: 2592000000000}", "is it per day? write queries/s"),
    ],
    (14, "clients[0].memory_mb"): [
        ("memory_mb: 24", "memory_mb: 24 MB", "= '24 MB' is text: write the number alone, in MB"),
        ("memory_mb: 24", "memory_mb: '20,5'", "= '20,5' has a decimal comma: write 20.5"),
        ("memory_mb: 24", "memory_mb: '1,500'", "has a comma: write 1500, or 1.500 if"),
        ("memory_mb: 24", "memory_mb: '1,500,000.5'", "has a comma: write 1500000.5"),
        ("memory_mb: 24", "memory_mb: 1_000", "= '1_000' is text"),
        ("memory_mb: 24", "memory_mb: true", "= true is a yes/no value: write the number"),
        ("memory_mb: 24", "memory_mb: ", "is empty: write the number alone, in MB"),
        ("memory_mb: 24", "memory_mb: [24]", "is a list: write the number alone, in MB"),
        ("memory_mb: 24", "memory_mb: {a: 1}", "is a mapping: write the number alone, in MB"),
        ("memory_mb: 24", "memory_mb: 24000000", "= 2.4e+07 MB is 24 TB: is it in bytes? write MB"),
        ("memory_mb: 24, ", "", "is missing: write a capacity >= 0 or unlimited, in MB"),
        ("memory_mb: 24", "memory_mb: &m -24", "= -24 is negative"),
    ],
    (14, "clients[0].5"): [
        ("24, compute_gflop_per_s: 500, demand", "20,5, compute_gflop_per_s: 500, demand", DECIMALS)
    ],
    (14, "clients[0].demand_per_s.5"): [("depth: 3}", "depth: 3,5}", DECIMALS)],
    (17, "cloud.uplink_mb_per_s"): [("cloud: {uplink_mb_per_s: 800}", "cloud:\n  uplink_mb_per_s: 80,5", "write 80.5")],
    (11, "edges[0].memory_mb"): [("y_mb: 512", "y_mb: 1000000000", "= 1e+09 MB is 1000 TB: is it in bytes? write MB")],
    (11, "edges[0].compute_gflop_per_s"): [
        ("10000", "1e13", "GFLOP/s is 1e+04 EFLOP/s: is it in FLOP/s? write GFLOP/s")
    ],
    (16, "cloud.uplink_mb_per_s"): [("_s: 800", "_s: 8e8", "= 8e+08 MB/s is 800 TB/s: is it in bytes/s? write MB/s")],
    (4, "tasks[1].input_mb"): [("input_mb: 0.8}\nm", "input_mb: 8e5}\nm", "is 800 GB: is it in bytes? write MB")],
    (7, "models[0].client.gflop_per_query"): [
        ("query: 9.17}\n    edge", "query: 9.17e9}\n    edge", "is it in FLOP/query?")
    ],
    (8, "models[0].edge.memory_mb"): [("73.7", ".inf", "= inf is infinite: write a finite size")],
    (11, "edges[0].batching_window_s"): [
        ("_s: 500}", "_s: 500, batching_window_s: 5000}", "is it in milliseconds?"),
        ("_s: 500}", "_s: 500, batching_window_s: 0}", "= 0 is not positive: write a"),
    ],
    (9, "models[0].accuracy.segmentation"): [
        ("0.966", "96.6", "= 96.6 is above 1: is it in percent? write a share"),
        ("0.966", "-0.1", "= -0.1 is negative: write a share from 0 to 1"),
        ("0.966", "high", "= 'high' is text: write the number alone, a share"),
    ],
    (14, "clients[0].memroy_mb"): [("memory_mb: 24", "memroy_mb: 24", "is not a known key: did you mean 'memory_mb'?")],
    (14, "clients[0].ram"): [("memory_mb: 24", "ram: 24", "is not a known key: known are 'name', 'edge', 'memory_mb'")],
    (1, "cloud"): [("cloud: {uplink_mb_per_s: 800}", "", "is missing: write {uplink_mb_per_s: ...}")],
    (2, "task"): [("tasks:", "task:", "is not a known key: did you mean 'tasks'?")],
    (6, "models[0].edge"): [
        ("    edge: {memory_mb: 73.7, gflop_per_query: 9.17}\n", "", "is missing: write {memory_mb: ...")
    ],
    (14, ""): [
        ("depth: 3}}", "depth: 3, depth: 4}}", "has the key 'depth' twice: keep one of them"),
        ("memory_mb: 24", "memory_mb: *m", "has an alias of 'm', which nothing above is marked with: quote it"),
        ("memory_mb: 24", "memory_mb: !!float 24", "uses a tag (!): take it out, or quote the text"),
        ("memory_mb: 24", "memory_mb: !!python/name:os.system x", "uses a tag (!)"),
        ("camera-1", '"\\U00110000"', "holds an escape that means no character: write the character itself"),
        ("camera-1", '"\\UFFFFFFFF"', "holds an escape that means no character"),
        ("camera-1", "camera\x01", "holds a control character: take it out"),
    ],
    (16, ""): [
        ("cloud:", "tasks: []\ncloud:", "has the key 'tasks' twice"),
        ("cloud:", "? [a, b]\n: 1\ncloud:", "has a list or mapping as a key: write a name"),
        ("cloud: {", "cloud: ", "is not valid YAML"),
        ("cloud: {", "cloud: &c {accuracy: *c, ", "has an alias of 'c' within what that marks"),
        ("cloud: {", "cloud: {<<: 3, ", "merges (<<) what is no mapping: name a mapping or a list of them"),
        ("cloud:", "? &k [a]\n: 1\ncloud:", "has a list or mapping as a key: write a name"),
        ("cloud:", "---\ncloud:", "holds several documents: write one in each file"),
        ("cloud: {", f"cloud: {'[' * 5000}", "is nested too deeply"),
    ],
    (16, "3"): [("cloud:", "3: 4\ncloud:", "is not a known key")],
    (16, "['a: b']"): [("cloud:", "'a: b': 4\ncloud:", "is not a known key")],
    (15, "clients[1].edge"): [
        ("edge: edge-2", "edge: egde-2", "= 'egde-2' is not one of the edges: did you mean 'edge-2'?"),
        ("edge: edge-2", "edge: hall", "is not one of the edges: known are 'edge-1', 'edge-2'"),
    ],
    (15, "clients[1].demand_per_s.dpeth"): [
        ("{depth: 3}", "{dpeth: 3}", "is not one of the tasks: did you mean 'depth'?")
    ],
    (9, "models[0].accuracy.dpeth"): [
        ("depth: 0.857", "dpeth: 0.857", "is not one of the tasks: did you mean 'depth'?")
    ],
    (16, "cloud.accuracy.dpeth"): [("cloud: {", "cloud: {accuracy: {dpeth: 1}, ", "is not one of the tasks")],
    (10, "models[0].at_edge.egde-2"): [("edges:", "    at_edge: {egde-2: {}}\nedges:", "did you mean 'edge-2'?")],
    (10, "models[0].at_client.camera-3"): [
        ("edges:", "    at_client: {camera-3: {}}\nedges:", "is not one of the clients: did you mean 'camera-")
    ],
    (10, "models[0].at_client.camera-2.memory_mb"): [
        ("edges:", "    at_client: {camera-2: {memory_mb: -1}}\nedges:", "= -1 is negative")
    ],
    (10, "models[0].at_edge.edge-2.accuracy.x"): [
        ("edges:", "    at_edge: {edge-2: {accuracy: {x: 1}}}\nedges:", "not one of")
    ],
    (10, "models[0].at_edge.edge-2.acuracy"): [
        ("edges:", "    at_edge: {edge-2: {acuracy: {}}}\nedges:", "'accuracy'?")
    ],
    (10, "models[0].at_edge.edge-2"): [
        ("edges:", "    at_edge: {edge-2: 3}\nedges:", "= 3 is a number: write {accuracy: ...")
    ],
    (10, "models[0].client_accuracy.x"): [("edges:", "    client_accuracy: {x: 1}\nedges:", "is not one of the tasks")],
    (4, "tasks[1].name"): [
        ("name: depth", "name: segmentation", "= 'segmentation' is there twice: give each of the tasks")
    ],
    (12, "edges[1].name"): [("name: edge-2", "name: edge-1", "= 'edge-1' is there twice")],
    (15, "clients[1].name"): [
        ("name: camera-2", "name: camera-1", "= 'camera-1' is there twice"),
        ("name: camera-2", "name: 2", "= 2 is a number: write a name, in quotes"),
        ("name: camera-2", "name: false", "= false is a yes/no value: write a name, in quotes"),
        ("name: camera-2", "name: ' '", "= ' ' is blank: write a name"),
        ("name: camera-2", "name: ", "is empty: write a name"),
        ("name: camera-2", "name: []", "is a list: write a name"),
        ("name: camera-2", f"name: {'x' * 101}", "is long: write a name of at most 100 characters"),
        ("name: camera-2", 'name: "a\\nb"', "= 'a\\nb' holds a line break"),
    ],
    (13, "clients"): [
        (SMALL[SMALL.index("clients:") : SMALL.index("cloud:")], "clients: []\n", "is an empty list: write at least"),
        (SMALL[SMALL.index("clients:") : SMALL.index("cloud:")], "clients:\n", "is empty: write a list of {name: ..."),
        (SMALL[SMALL.index("clients:") : SMALL.index("cloud:")], "clients: {a: 1}\n", "is a mapping: write a list"),
    ],
    (15, "clients[1]"): [
        ("  - {name: camera-2", "  - 3\n  - {name: camera-2", "= 3 is a number: write {name: ..., edge: ...")
    ],
    (14, "clients[0].demand_per_s"): [
        ("{segmentation: 10, depth: 3}", "10", "= 10 is a number: write queries/s by task, {task: n")
    ],
    (9, "models[0].accuracy"): [
        ("{segmentation: 0.966, depth: 0.857}", "", "is empty: write shares from 0 to 1 by task")
    ],
    (16, "cloud"): [("cloud: {uplink_mb_per_s: 800}", "cloud: 800", "= 800 is a number: write {uplink_mb_per_s: ...}")],
    (2, "allow_unserved"): [
        ("tasks:", "allow_unserved: yes\ntasks:", "= 'yes' is text: write true or false"),
        ("tasks:", "allow_unserved: 1\ntasks:", "= 1 is a number: write true or false"),
    ],
    (1, "format"): [
        ("deployment-1", "deployment-2", "'j3o-deployment-2' is a format that this version does not read: write")
    ],
    (12, "edges[1].batching_window_s"): [
        ("uplink_mb_per_s: 500", WINDOW, "is missing: write a window for every edge or for none")
    ],
    (8, "models[0].edge.setup_s"): [
        ("73.7, ", "73.7, setup_s: 0.1, ", "= 0.1 would count for nothing without batching")
    ],
    (10, "models[0].at_edge.edge-2.setup_s"): [
        ("edges:", "    at_edge: {edge-2: {setup_s: 0}}\nedges:", "without batching")
    ],
    (17, ""): [("cloud: {uplink_mb_per_s: 800}", "cloud:\n\tuplink_mb_per_s: 800", "indent with spaces, not tabs")],
    (2, ""): [("tasks:", "- tasks:", "is not valid YAML")],
}


def rows(table):
    """A case for each slip: where it is, and what belongs to it."""
    return [(*where, *slip) for where, slips in table.items() for slip in slips]


def refusal(path) -> FileError:
    with pytest.raises(FileError) as caught:
        load(path, want=Scenario)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert text.isprintable()
    assert len(text) < 400
    return caught.value


@pytest.mark.parametrize(("line", "place", "good", "bad", "words"), rows(SLIPS))
def test_a_slip_is_named_with_line_place_and_remedy(tmp_path, line, place, good, bad, words):
    assert good in SMALL
    path = tmp_path / "deployment.yaml"
    path.write_text(SMALL.replace(good, bad, 1), encoding="utf-8")
    error = refusal(path)
    assert error.place == place
    assert words in str(error).replace(place, "", 1) if place else words in str(error)
    assert error.line == line
    assert ":" in error.message
    if line is not None:
        assert f"deployment.yaml:{line}: {place}" in str(error)


JSON = json.dumps(YAML(typ="safe", pure=True).load(SMALL.replace(".inf", "unlimited")), indent=1)

# As above; a fault is on the line that has the first text.
JSON_SLIPS = {
    ("-3", "clients[0].demand_per_s.depth"): [('"depth": 3', '"depth": -3', "= -3 is negative: write a rate")],
    ("NaN", "clients[0].demand_per_s.depth"): [('"depth": 3', '"depth": NaN', "= nan is not a number")],
    ("Infinity", "clients[0].demand_per_s.depth"): [('"depth": 3', '"depth": Infinity', "= inf is infinite")],
    ("1e999", "clients[0].demand_per_s.depth"): [
        ('"depth": 3', '"depth": 1e999', "is too large a number: write a rate")
    ],
    ("999", "clients[0].demand_per_s.depth"): [
        ('"depth": 3', f'"depth": {"9" * 5000}', "is too large a number: write a rate")
    ],
    ("null", "clients[0].demand_per_s.depth"): [('"depth": 3', '"depth": null', "is empty: write the number")],
    ('3, "depth"', ""): [('"depth": 3', '"depth": 3, "depth": 4', "has the key 'depth' twice: keep one of them")],
    ("24 MB", "clients[0].memory_mb"): [('"memory_mb": 24', '"memory_mb": "24 MB"', "write the number alone, in MB")],
    ("true", "clients[0].memory_mb"): [('"memory_mb": 24', '"memory_mb": true', "= true is a yes/no value")],
    ("memroy", "clients[0].memroy_mb"): [('"memory_mb": 24', '"memroy_mb": 24', "did you mean 'memory_mb'?")],
    ("ud800", "clients[1].name"): [
        ('"name": "camera-2"', '"name": "\\ud800"', "= '\\ud800' holds a line break or control")
    ],
    ("edge-3", "clients[1].edge"): [('"edge": "edge-2"', '"edge": "edge-3"', "is not one of the edges: did you mean")],
    ("camera-2", "clients[1].edge"): [
        ('{\n   "name": "camera-2",\n   "edge": "edge-2",', '{"name": "camera-2",', "is missing: write")
    ],
    ("[3", "tasks[0]"): [('"tasks": [', '"tasks": [3,', "= 3 is a number: write {name: ..., input_mb: ...}")],
    ('"uplink_mb_per_s": 800', ""): [('"cloud": {', '"cloud": ', "is not valid JSON at column 20")],
    (None, ""): [('"tasks": [', f'"tasks": {"[" * 10000}', "is nested too deeply: `j3o new` writes an example")],
    ("tasks", ""): [('"tasks": [', "tasks: [", "(Expecting property name enclosed in double quotes): check commas")],
}


@pytest.mark.parametrize(("marked", "place", "good", "bad", "words"), rows(JSON_SLIPS))
def test_json_has_lines_and_places_too(tmp_path, marked, place, good, bad, words):
    assert good in JSON
    path = tmp_path / "deployment.json"
    text = JSON.replace(good, bad, 1)
    path.write_text(text, encoding="utf-8")
    error = refusal(path)
    assert error.place == place
    assert words in str(error)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if marked and marked in line]
    assert error.line == (lines[0] if marked else None)


def test_problems_beyond_the_first_in_the_file_are_counted(tmp_path):
    path = tmp_path / "deployment.yaml"
    text = SMALL.replace("memory_mb: 24", "memory_mb: -24")
    path.write_text(text, encoding="utf-8")
    assert str(refusal(path)).endswith("in MB (and 1 more problem)")
    path.write_text(text.replace("tasks:", "taks:").replace("10000", "-1"), encoding="utf-8")
    error = refusal(path)
    assert (error.line, error.place, error.more) == (2, "taks", 3)
    # What is missing has no line, and is often there under a wrong name: it comes last.
    path.write_text(text.replace("input_mb: 0.8}\n  -", "megabytes: 0.8}\n  -"), encoding="utf-8")
    error = refusal(path)
    assert (error.line, error.place, error.more) == (3, "tasks[0].megabytes", 3)


def test_a_thousand_wrong_names_take_no_longer_than_one(tmp_path):
    path = tmp_path / "deployment.yaml"
    client = SMALL[SMALL.index("  - {name: camera-2") : SMALL.index("cloud:")]
    many = "".join(client.replace("-2", f"-{index}") for index in range(3, 1003))
    path.write_text(SMALL.replace(client, client + many), encoding="utf-8")
    assert refusal(path).more == 999


@pytest.mark.parametrize("link", ["[{}]", "{{{}}}"], ids=["lists", "mappings"])
def test_aliases_that_multiply_are_refused_unexpanded(tmp_path, link):
    path = tmp_path / "laughs.yaml"
    own = "x, " * 10 if link == "[{}]" else ", ".join(f"k{i}: x" for i in range(10))
    lines = [f"a0: &a0 {link.format(own)}"]
    for level in range(1, 12):
        aliases = (f"k{i}: *a{level - 1}" if link != "[{}]" else f"*a{level - 1}" for i in range(10))
        lines.append(f"a{level}: &a{level} {link.format(', '.join(aliases))}")
    path.write_text("\n".join(lines), encoding="utf-8")
    assert "has aliases (*) that stand for more than 1,000,000 values" in str(refusal(path))


def test_aliases_nest_no_deeper_than_what_is_written_out(tmp_path):
    path = tmp_path / "deep.yaml"
    path.write_text("a: &a [[[[[[[[1]]]]]]]]\nb: [[[[[[[[[*a]]]]]]]]]\n", encoding="utf-8")
    assert "is nested too deeply" in str(refusal(path))


@pytest.mark.parametrize(
    ("name", "content", "line", "words"),
    [
        ("missing.yaml", None, None, "missing.yaml: is not there: check the path"),
        ("notes.txt", "hello", None, "is no name for a deployment: use the suffix .yaml, .yml, .json or .npz"),
        ("nosuffix", "hello", None, "use the suffix"),
        ("empty.yaml", "", None, "empty.yaml: is empty: `j3o new` writes an example to start from"),
        ("empty.json", " \n", None, "is empty"),
        ("comment.yaml", "# nothing\n", None, "is empty: `j3o new` writes an example"),
        ("latin.yaml", b"tasks:\n  - {name: gr\xf6\xdfe}\n", 2, "is not UTF-8 text: save it as UTF-8"),
        ("utf16.json", "{}".encode("utf-16"), 1, "is not UTF-8 text"),
        ("list.yaml", "- 1\n- 2\n", 1, "is a list: write {tasks: ..., models: ..., edges: ..."),
        ("text.yaml", "hello\n", 1, "= 'hello' is text: write {tasks: ..."),
        ("list.json", "[1, 2]", 1, "is a list: write {tasks: ..."),
        ("other.json", '{"format": "geojson"}', 1, "= 'geojson' is a format that this version does not read: write"),
        ("folder.yaml", os.mkdir, None, "is a directory: name a file"),
        ("pipe.yaml", os.mkfifo, None, "is not a regular file: name a file"),
    ],
)
def test_whole_files_that_are_no_deployment(tmp_path, name, content, line, words):
    path = tmp_path / name
    if callable(content):
        content(path)
    elif content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = refusal(path)
    assert words in str(error)
    assert error.line == line


def test_paths_that_are_no_paths():
    for path, words in (("a\0b.yaml", "zero byte"), ("x" * 5000 + ".yaml", "is not there")):
        with pytest.raises(FileError, match=words) as caught:
            load(path)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("suffix", [".yaml", ".npz"])
def test_a_file_that_may_not_be_read(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"secret{suffix}"
    path.write_text(SMALL, encoding="utf-8")

    # Not by chmod: root may read everything.
    def fail(*args):
        raise error

    monkeypatch.setattr("j3o_jax.io._files.open", fail, raising=False)
    error = PermissionError(13, "Permission denied")
    assert "may not be read: give read permission" in str(refusal(path))
    error = OSError(5, "Input/output error")
    assert "cannot be opened (Input/output error): check the path" in str(refusal(path))


def test_an_error_survives_the_way_between_processes(tmp_path):
    error = FileError("a.yaml", "= -3 is negative: write more", 3, "clients[0]", 2)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "a.yaml:3: clients[0] = -3 is negative: write more (and 2 more problems)"
    assert isinstance(error, ValueError)
    assert (again.path, again.line, again.place, again.more) == ("a.yaml", 3, "clients[0]", 2)
