"""Who may import whom, and what every method and public name must have."""

import ast
import functools
import importlib
import json
import pathlib
import re
import subprocess
import sys

import pytest

import tfprune
from tfprune import methods

ROOT = pathlib.Path(tfprune.__file__).parent.parent
FILES = sorted((ROOT / "tfprune").rglob("*.py"))
OUTSIDE = sorted(
    path
    for folder in ("experiments", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
KERNELS = sorted(
    path
    for path in (ROOT / "custom_ops/kernels").rglob("*")
    if path.suffix in {".cc", ".h"}
)
SCRIPTS = sorted([*ROOT.glob("scripts/*.py"), *ROOT.glob("configs/*.py")])

# What the modules of each part may import of tfprune, beside their own part.
FLOOR = {"utils", "numerics", "core", "backend", "ops"}
LAYERS = {*FLOOR, "layers", "optimizers", "regularizers"}
GRAPH = {*LAYERS, "graph", "profiling"}
COMPRESS = {*GRAPH, "compress"}
MIDDLE = {*COMPRESS, "planning", "search", "reports", "interop"}
TOP = {*MIDDLE, "wrapping", "methods", "exporters", "callbacks"}
MAY_IMPORT = {
    "utils": set(),
    "numerics": {"utils"},
    "core": {"utils", "numerics"},
    "backend": set(),
    "ops": {"utils", "numerics", "backend"},
    "layers": FLOOR,
    "optimizers": FLOOR,
    "regularizers": FLOOR,
    "applications": {"utils", "layers"},
    "schedules": {"core"},
    "graph": LAYERS,
    "profiling": {*LAYERS, "graph"},
    "compress": GRAPH,
    "interop": GRAPH,
    "planning": COMPRESS,
    "search": {*COMPRESS, "planning"},
    "reports": {*COMPRESS, "planning"},
    "wrapping": COMPRESS,
    "methods": MIDDLE,
    "exporters": COMPRESS,
    "callbacks": {*MIDDLE, "wrapping", "methods"},
    "api": TOP,
    "__init__": {*TOP, "api", "applications", "schedules"},
}
# Of compress/, the families of compression know nothing of each other.
FAMILIES = {"filters", "low_rank", "sparse"}
MAY_IMPORT_TENSORFLOW = {"__init__", "backend", "ops", "exporters"}
OUTSIDE_OF_THE_WHEEL = {
    "absl",
    "benchmarks",
    "configs",
    "experiments",
    "ml_collections",
    "scripts",
    "tests",
}
# What a model's config and its nodes are made of.
GRAPH_WORDS = re.compile(
    r"\b_?(inbound_nodes|keras_history|parent_nodes|input_layers|"
    r"output_layers)\b"
)
LONGEST_FILE = 350


def part(path):
    """Returns the folder or module right below tfprune."""
    return path.relative_to(ROOT / "tfprune").with_suffix("").parts[0]


def imports(tree):
    """Returns dotted names that some code imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def parts_imported(path):
    names = [name.split(".") for name in imports(parse(path))]
    own = [name for name in names if name[0] == "tfprune"]
    return {name[1] if len(name) > 1 else "__init__" for name in own}


def parse(path):
    return ast.parse(path.read_text())


def every(files):
    return pytest.mark.parametrize(
        "path", files, ids=lambda path: str(path.relative_to(ROOT))
    )


@every(FILES)
def test_imports_go_downwards(path):
    own = part(path)
    assert own in MAY_IMPORT, (
        f"tfprune/{own} is new: give it a row in MAY_IMPORT of this test."
    )
    wrong = parts_imported(path) - MAY_IMPORT[own] - {own}
    assert not wrong, (
        f"{path.relative_to(ROOT)} imports {sorted(wrong)}; {own} may import "
        f"only {sorted(MAY_IMPORT[own])}. Move the code down, or pass in what "
        "it needs."
    )


@every(sorted((ROOT / "tfprune/compress").rglob("*.py")))
def test_families_of_compression_do_not_import_each_other(path):
    own = path.relative_to(ROOT / "tfprune/compress").parts[0]
    names = {".".join([*x.split("."), "", ""]) for x in imports(parse(path))}
    families = {
        family
        for family in FAMILIES
        if any(x.startswith(f"tfprune.compress.{family}.") for x in names)
    }
    wrong = families - {own} if own in FAMILIES else set()
    assert not wrong, (
        f"{path.relative_to(ROOT)} imports of {sorted(wrong)}. What two "
        "families need belongs to graph/, numerics/ or profiling/; what joins "
        "them, to planning/ or api.py."
    )


@every(FILES)
def test_the_library_imports_nothing_of_a_checkout(path):
    roots = {name.split(".")[0] for name in imports(parse(path))}
    wrong = roots & OUTSIDE_OF_THE_WHEEL
    assert not wrong, (
        f"{path.relative_to(ROOT)} imports {sorted(wrong)}, which is not in "
        "the wheel, nor among what it needs."
    )


@every([path for path in FILES if path != ROOT / "tfprune/graph/nodes.py"])
def test_one_file_reads_the_graph_of_a_model(path):
    words = sorted({x[0] for x in GRAPH_WORDS.finditer(path.read_text())})
    assert not words, (
        f"{path.relative_to(ROOT)} names {words}. Ask the ModelGraph, which "
        "tfprune/graph/nodes.py reads once from a model; give it a method if "
        "it does not know the answer."
    )


@every(FILES)
def test_tensorflow_and_private_keras_stay_in_their_places(path):
    roots = {name.split(".")[0] for name in imports(parse(path))}
    assert "tensorflow" not in roots or part(path) in MAY_IMPORT_TENSORFLOW, (
        f"{path.relative_to(ROOT)} imports tensorflow. Use keras.ops, or add "
        "what you need to tfprune/backend."
    )
    assert "keras.src" not in path.read_text(), (
        f"{path.relative_to(ROOT)} uses keras.src, which changes without "
        "notice. Use public Keras, or a seam in tfprune/backend with a "
        "test in tests/backend_test.py."
    )


@every(FILES)
def test_there_is_no_assert_in_library_code(path):
    lines = [
        x.lineno for x in ast.walk(parse(path)) if isinstance(x, ast.Assert)
    ]
    assert not lines, (
        f"{path.relative_to(ROOT)}:{lines} asserts, which `python -O` skips. "
        "Raise an error that says what was expected and received."
    )


@every(FILES)
def test_nothing_is_printed_by_the_library(path):
    calls = [x for x in ast.walk(parse(path)) if isinstance(x, ast.Call)]
    lines = [x.lineno for x in calls if ast.unparse(x.func) == "print"]
    assert not lines, (
        f"{path.relative_to(ROOT)}:{lines} prints. Return a value that prints "
        "as a table, or use `logging`."
    )


@every([*FILES, *OUTSIDE])
def test_files_are_short(path):
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST_FILE, (
        f"{path.relative_to(ROOT)} has {lines} lines, more than "
        f"{LONGEST_FILE}. Split it by what it is about."
    )


@every(KERNELS)
def test_kernels_know_no_framework(path):
    own = {file.name for file in KERNELS}
    text = path.read_text()
    quoted = set(re.findall(r'#include "(.*)"', text))
    assert quoted <= own and not re.search("tensorflow|absl|Eigen", text), (
        f"{path.relative_to(ROOT)} must include the standard library and "
        "custom_ops/kernels only. What meets TensorFlow belongs to "
        "custom_ops/tensorflow."
    )


@every(SCRIPTS)
def test_scripts_import_tfprune_inside_of_functions(path):
    heavy = {"tfprune", "tensorflow", "keras"}
    top = ast.Module([x for x in parse(path).body if not _is_code(x)], [])
    roots = {name.split(".")[0] for name in imports(top)}
    assert not roots & heavy, (
        f"{path.relative_to(ROOT)} imports {sorted(roots & heavy)} at the top, "
        "so that --help takes seconds. Import inside of main()."
    )


def _is_code(node):
    return isinstance(node, (ast.FunctionDef, ast.ClassDef))


@every([path.parent for path in FILES if path.stem == "__init__"])
def test_no_package_is_shadowed(path):
    name = ".".join(path.relative_to(ROOT).parts)
    package = importlib.import_module(name)
    found = functools.reduce(getattr, name.split(".")[1:], tfprune)
    assert found is package, (
        f"{name} is a {type(found).__name__} and a package. Rename one."
    )


@pytest.mark.parametrize("name", methods.REGISTRY)
def test_every_method_has_a_conformance_row_and_a_config(name):
    tree = parse(ROOT / "tests" / "conformance_rows.py")
    (rows,) = [
        [key.value for key in node.value.keys]
        for node in tree.body
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "ROWS"
    ]
    assert name in rows, (
        f"tests/conformance_rows.py has no row for {name!r}. Add one to ROWS: "
        "it says what the method promises."
    )
    configs = [path.read_text() for path in ROOT.glob("configs/*.py")]
    assert any(f'"name": "{name}"' in config for config in configs), (
        f"configs/ has no experiment whose method is {{'name': {name!r}}}. Add "
        "one, with its command and the numbers to expect in the docstring."
    )


UNCHANGED = """
import json
import keras, tensorflow as tf
def state():
    config = keras.config
    return [
        config.floatx(), config.epsilon(), config.image_data_format(),
        config.dtype_policy().name, config.is_traceback_filtering_enabled(),
        tf.config.optimizer.get_jit(), tf.executing_eagerly(),
        tf.config.functions_run_eagerly(),
        keras.Model.__module__, tf.keras.__name__,
        keras.layers.Dense(1).name, keras.Sequential().name,
    ]
keras.utils.clear_session()
before = state()
keras.utils.clear_session()
import tfprune
after = state()
# Fails where a device is in use already.
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
print(json.dumps([before, after]))
"""


def test_importing_tfprune_changes_nothing():
    printed = subprocess.run(
        [sys.executable, "-c", UNCHANGED],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert not printed.returncode, printed.stderr[-1000:]
    before, after = json.loads(printed.stdout.splitlines()[-1])
    assert before == after, "`import tfprune` changed what the process does."
