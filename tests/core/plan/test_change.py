"""The closed list of what can happen, each kind with its class, its section and its words."""

import typing
from dataclasses import FrozenInstanceError, fields

import pytest

from core.plan.change import (
    KINDS,
    RANK,
    AnyChange,
    Change,
    ChangeClass,
    Section,
    class_of,
    is_hard_erase,
    is_informational,
    section_of,
)
from tests.core.plan.kinds import TABLE, Row, delete_order

each_kind = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kind}-{row.decision}")


def test_every_kind_has_its_row_in_the_table() -> None:
    assert {row.kind for row in TABLE} == set(KINDS)
    assert {type(row.change) for row in TABLE} == set(KINDS.values())


def test_the_list_holds_all_that_a_plan_may_hold() -> None:
    assert set(typing.get_args(AnyChange)) == set(KINDS.values())
    assert {each.kind for each in Change.__subclasses__()} == set(KINDS)


def test_kinds_are_carried_out_in_the_order_of_the_list() -> None:
    assert list(RANK) == list(KINDS)
    assert sorted(RANK, key=RANK.__getitem__) == list(KINDS)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("insert_order", "insert_execution"),
        ("insert_execution", "adopt_position"),
        ("update_execution", "adopt_position"),
        ("adopt_position", "place_stop"),
        ("place_stop", "cancel_duplicate_stop"),
        ("resize_stop", "cancel_duplicate_stop"),
        ("place_stop", "cancel_orphan_stop"),
        ("insert_execution", "place_order"),
        ("cancel_order", "place_order"),
        ("amend_order", "place_order"),
    ],
)
def test_facts_come_before_what_follows_from_them(first: str, then: str) -> None:
    assert RANK[first] < RANK[then]


@each_kind
def test_each_kind_is_treated_as_the_table_says(row: Row) -> None:
    assert row.change.kind == row.kind
    assert row.change.entity == row.entity
    assert row.change.at_broker is row.at_broker
    assert class_of(row.change) is row.change_class
    assert section_of(row.change) is row.section


@each_kind
def test_what_is_sent_to_the_broker_is_never_a_mere_record(row: Row) -> None:
    at_broker = class_of(row.change) in (ChangeClass.PROTECT, ChangeClass.TRADE)

    assert at_broker is row.change.at_broker


@each_kind
def test_a_change_cannot_be_changed(row: Row) -> None:
    for field in fields(row.change):
        with pytest.raises(FrozenInstanceError):
            setattr(row.change, field.name, None)


def test_a_deletion_is_hard_when_nothing_is_left() -> None:
    hard = [row.change for row in TABLE if is_hard_erase(row.change)]

    assert hard == [delete_order(hard=True)]


def test_only_the_initial_state_is_mere_information() -> None:
    assert {row.kind for row in TABLE if is_informational(row.change)} == {"initial_state"}


def test_sections_are_those_of_the_document() -> None:
    assert {section.value for section in Section} == {
        "to_insert",
        "to_update",
        "to_delete",
        "spy_futures_actions",
        "broker_actions",
    }
