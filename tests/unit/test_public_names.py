"""The door of the package: its order and its words, and that nothing happens when it is opened."""

import inspect
import subprocess
import sys

import pytest

import tristore


def kind_and_name(name: str) -> tuple[bool, bool, str]:
    """Constants first, then classes, then functions, as imports are sorted."""
    return not name.isupper(), name[0].islower(), name


def test_the_list_of_public_names_is_sorted() -> None:
    """A reader finds a name where the alphabet puts it, once."""
    assert sorted(set(tristore.__all__), key=kind_and_name) == tristore.__all__


@pytest.mark.parametrize("name", tristore.__all__)
def test_every_public_name_says_what_it_is_for(name: str) -> None:
    """Each public class and function has a docstring of its own; constants have theirs in the source."""
    found = getattr(tristore, name)

    if inspect.isclass(found) or inspect.isfunction(found):
        assert found.__doc__


@pytest.mark.parametrize("name", [name for name in tristore.__all__ if inspect.isclass(getattr(tristore, name))])
def test_every_public_method_says_what_it_does(name: str) -> None:
    """Each method and property that a public class declares has a docstring, its own or that of the port."""
    cls = getattr(tristore, name)
    undocumented = [
        member
        for member, found in vars(cls).items()
        if not member.startswith("_")
        and (inspect.isfunction(found) or isinstance(found, property))
        and not inspect.getdoc(getattr(cls, member))
    ]

    assert [] == undocumented


WATCHED_IMPORT = """
import socket, sys, threading

def refuse(event, arguments):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.fork"}:
        raise SystemExit(f"{event} happened at import: {arguments}")

sys.addaudithook(refuse)
import tristore
import tristore.domain.core, tristore.domain.analytics, tristore.domain.systemlogs, tristore.services

heavy = {"pymongo.synchronous.mongo_client", "pymongo.mongo_client", "rich", "click", "pytest", "dependency_injector"}
print(threading.active_count(), sorted(heavy & set(sys.modules)))
"""


def test_nothing_happens_at_import() -> None:
    """Importing opens no connection, starts no thread or process, and loads no client, terminal or command line."""
    assert "1 []\n" == subprocess.check_output([sys.executable, "-c", WATCHED_IMPORT], text=True)
