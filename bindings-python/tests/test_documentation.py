"""Every example of the documentation runs: in docstrings, in the README files, in examples/."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ratecell
from ratecell import _ratecell

HERE = Path(__file__).parents[1]
ROOT = HERE.parent
EXAMPLES = ROOT / "examples" / "python"
OPTIONAL = {"django", "fastapi", "flask", "httpx", "requests", "starlette", "trio"}


def modules() -> Iterator[Any]:
    for found in pkgutil.iter_modules(ratecell.__path__, "ratecell."):
        try:
            yield importlib.import_module(found.name)
        except ModuleNotFoundError as missing:
            # What the module is for is not installed here.
            assert (missing.name or "").partition(".")[0] in OPTIONAL
    yield ratecell


def documented() -> Iterator[tuple[str, Any]]:
    """Every module, class, function and method of the package, native or not."""
    for module in [*modules(), _ratecell]:
        yield module.__name__, module
        for name, value in vars(module).items():
            # By type() and not isinstance(), which would set up Django's lazy objects.
            is_class = issubclass(type(value), type)
            if not is_class and type(value) is not types.FunctionType:
                continue
            if module is not _ratecell and value.__module__ != module.__name__:
                continue
            yield f"{module.__name__}.{name}", value
            if is_class:
                for part, member in vars(value).items():
                    if not issubclass(type(member), type):
                        yield f"{module.__name__}.{name}.{part}", member


def docstrings() -> Iterator[Any]:
    parser = doctest.DocTestParser()
    for name, member in documented():
        module = sys.modules.get(getattr(member, "__module__", "") or "")
        names = {**vars(module)} if module else {}
        test = parser.get_doctest(inspect.getdoc(member) or "", names, name, None, 0)
        if test.examples:
            yield pytest.param(test, id=name)


@pytest.mark.parametrize("test", list(docstrings()))
def test_examples_in_docstrings(test: doctest.DocTest) -> None:
    if test.name.endswith("django.RouteLimit"):
        test.globs["HttpResponse"] = object
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert result.failed == 0, "".join(said)


def public_members() -> Iterator[Any]:
    for name in ratecell.__all__:
        owner = getattr(ratecell, name)
        if not inspect.isclass(owner):
            continue
        yield pytest.param(owner, id=name)
        for part in dir(owner):
            if not part.startswith("_") and not hasattr(Exception, part):
                yield pytest.param(getattr(owner, part), id=f"{name}.{part}")


@pytest.mark.parametrize("member", list(public_members()))
def test_everything_public_is_documented(member: Any) -> None:
    first, *_ = (inspect.getdoc(member) or "").split("\n\n")
    assert first.endswith((".", ":")), first


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_examples_run(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:ratecell", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("page", [ROOT / "README.md", HERE / "README.md", HERE / "MOVING.md"])
def test_code_in_pages_is_a_file_that_runs(page: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    files = {path: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")}
    for block in blocks:
        assert any(block in text for text in files.values()), f"in no example:\n{block}"


def test_the_version_is_the_workspaces() -> None:
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "([^"]+)"', manifest, re.MULTILINE)
    assert version is not None
    assert ratecell.__version__ == version[1]
