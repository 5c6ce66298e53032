"""What is registered of the service, and what is refused because it would not run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.windows_service.registration import VIRTUAL_ACCOUNT, UnfitError, registration

PYTHON = r"C:\Program Files\Python312\python.exe"
HOST = r"C:\Program Files\pacs-monitor\Lib\site-packages\pacs_monitor\windows_service\host.py"
CONFIG = r"C:\ProgramData\pacs-monitor\monitor.yaml"
LOG = r"C:\ProgramData\pacs-monitor\pacs-monitor.log"


def test_the_machines_python_runs_the_file_of_the_version_in_use_with_nothing_else_of_the_machine() -> None:
    found = registration(PYTHON, HOST, CONFIG, LOG)
    assert found.command == f'"{PYTHON}" -I -S "{HOST}" --config {CONFIG} --log {LOG}'
    assert (found.account, found.is_managed) == (VIRTUAL_ACCOUNT, False)


def test_the_command_is_quoted_also_where_no_path_has_a_blank() -> None:
    found = registration(r"D:\Python\python.exe", r"D:\m\host.py", r"D:\m.yaml", r"E:\my logs\m.log")
    assert found.command == r'"D:\Python\python.exe" -I -S D:\m\host.py --config D:\m.yaml --log "E:\my logs\m.log"'


@pytest.mark.parametrize("account", [r"CLINIC\pacsmon$", r"clinic.example\pacs-mon$"])
def test_a_group_managed_account_is_taken(account: str) -> None:
    found = registration(PYTHON, HOST, CONFIG, LOG, account=account)
    assert (found.account, found.is_managed) == (account, True)


def test_the_virtual_account_may_be_named() -> None:
    assert registration(PYTHON, HOST, CONFIG, LOG, account=r"nt service\PACS-Monitor").account == VIRTUAL_ACCOUNT


@pytest.mark.parametrize(
    "account", [r"CLINIC\john", "pacsmon$", "LocalSystem", r"NT SERVICE\other", "j@clinic.example", "", "$"]
)
def test_an_account_with_a_password_or_with_all_rights_is_refused(account: str) -> None:
    with pytest.raises(UnfitError, match=r"name a group-managed account as DOMAIN\\name\$"):
        registration(PYTHON, HOST, CONFIG, LOG, account=account)


@given(st.text(min_size=1).filter(lambda name: not name.endswith("$")))
def test_no_account_without_a_dollar_sign_is_taken_but_the_virtual_one(account: str) -> None:
    if account.lower() != VIRTUAL_ACCOUNT.lower():
        with pytest.raises(UnfitError):
            registration(PYTHON, HOST, CONFIG, LOG, account=account)


@pytest.mark.parametrize("wrong", [0, 1, 2, 3])
def test_what_lies_in_a_folder_of_a_person_is_refused(wrong: int) -> None:
    paths = [PYTHON, HOST, CONFIG, LOG]
    paths[wrong] = r"C:\users\john" + paths[wrong][2:]
    with pytest.raises(UnfitError, match=r"install it for all users, outside of C:\\Users"):
        registration(*paths)


def test_the_python_of_the_store_is_refused() -> None:
    store = r"C:\Users\john\AppData\Local\Microsoft\WindowsApps\python.exe"
    with pytest.raises(UnfitError, match=r"install Python from python\.org"):
        registration(store, HOST, CONFIG, LOG)
