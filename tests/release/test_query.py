import shutil
import socket
from pathlib import Path

import pytest

from components.environment import QUIET, SERVICE, THREADS_AND_MEMORY
from components.errors import UserError
from components.loopback import free_port
from components.release import query, variables
from components.release.query import ask, check_port, running

HOST = "127.0.0.1"


@pytest.mark.slow
def test_a_damaged_bento_is_not_started(bento: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(bento, tmp_path / "bento"))
    (damaged / "bento.yaml").write_text("")
    with pytest.raises(UserError, match=r"bento\.yaml: 0 bytes, expected \d+"):
        ask(damaged, {})


@pytest.mark.slow
def test_a_bento_that_cannot_start_is_said_with_the_end_of_its_log(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"the Bento did not start; its last lines are: .+"),
        running(tmp_path),
    ):
        pass


def test_a_taken_port_is_one_clear_sentence() -> None:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(UserError) as refused:
            check_port(HOST, port)
    assert str(refused.value) == f"port {port} on {HOST} is already taken; choose another with --port"


def test_a_free_port_can_be_served_on() -> None:
    check_port(HOST, free_port(HOST))


def test_the_questions_of_a_stage_are_neither_recorded_nor_told_what_a_service_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (*variables.ALL, "ONETRUNK_TRAFFIC", "ONETRUNK_FEEDBACK")
    for name in said:
        monkeypatch.setenv(name, "{}")
    assert not {*said} & {*query._alone(query.serve_environment(tmp_path))}


@pytest.mark.parametrize(
    ("his", "expected"),
    [
        (None, "glibc.malloc.hugetlb=1"),
        ("", "glibc.malloc.hugetlb=1"),
        ("glibc.malloc.check=3", "glibc.malloc.hugetlb=1:glibc.malloc.check=3"),
        ("glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=1:glibc.malloc.hugetlb=0"),  # the last one counts
        ("glibc.malloc.hugetlb=1:glibc.malloc.check=3", "glibc.malloc.hugetlb=1:glibc.malloc.check=3"),
    ],
)
def test_a_service_has_the_tunables_of_its_operator_after_ours(his: str | None, expected: str) -> None:
    given = {} if his is None else {"GLIBC_TUNABLES": his}
    assert query._of_service(given)["GLIBC_TUNABLES"] == expected


def test_a_service_keeps_what_its_operator_has_set_and_not_what_a_stage_has() -> None:
    assert query._of_service(THREADS_AND_MEMORY) == {**QUIET, **SERVICE}
    his = {"MALLOC_ARENA_MAX": "8", "MALLOC_TRIM_THRESHOLD_": "4096", "DO_NOT_TRACK": "0", "ELSE": "x"}
    assert his.items() <= query._of_service(his).items()
    assert query._of_service(his) == {**QUIET, **SERVICE, **his}
