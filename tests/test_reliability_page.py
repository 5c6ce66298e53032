"""docs/reliability.md holds what the proofs saw, and nothing else."""

from __future__ import annotations

from tests import attacks


def test_every_attack_of_the_page_was_made_and_every_attack_made_is_in_the_page() -> None:
    assert list(attacks.figures(attacks.PAGE.read_text())) == [attack.title for attack in attacks.ATTACKS.values()]


def test_what_a_run_saw_replaces_what_was_there_and_keeps_the_rest() -> None:
    one, other = list(attacks.ATTACKS)[:2]
    page = attacks.written(
        "# Title\n\nWords.\n\n| attack | before | now |\n|---|---|---|\n", {one: "1 s", other: "2 s"}
    )
    again = attacks.written(page, {one: "3 s"})
    assert again.startswith("# Title\n\nWords.\n\n| attack |")
    assert attacks.figures(again) == {attacks.ATTACKS[one].title: "3 s", attacks.ATTACKS[other].title: "2 s"}
