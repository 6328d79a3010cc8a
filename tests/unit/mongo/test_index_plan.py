"""Plans for indexes as a law: whatever is declared and whatever there is, a plan carried out leaves no drift."""

from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from sized import sized

from tristore.adapters.backend import (
    CollectionDeclaration,
    Comparator,
    Compare,
    IndexDeclaration,
    IndexPlan,
    IndexStep,
    StepKind,
)
from tristore.adapters.mongo.upkeep.index_plan import CollectionPlan, plan_of
from tristore.adapters.mongo.upkeep.index_specs import SIGNATURE, differences, options_of

RULES = [None, Compare(("n",), Comparator.GE, 1), Compare(("n",), Comparator.GE, 2)]
KEYS = [(("a", 1),), (("a", -1),), (("a", 1), ("b", 1)), (("b", 1),)]

indexes = st.builds(
    IndexDeclaration,
    st.sampled_from(KEYS),
    unique=st.booleans(),
    partial=st.sampled_from(RULES),
    expire_after=st.sampled_from([None, None, 10, 20]),
    options=st.sampled_from([{}, {}, {"hidden": True}, {"collation": {"locale": "de"}}, {"bits": 5}]),
)
declarations = st.lists(indexes, max_size=3, unique_by=lambda index: index.keys).map(
    lambda declared: CollectionDeclaration("things", tuple(declared))
)
NAMES = ("theirs", "a_1", "a_1_v2", "b_1_v2", "a_1_b_1", "old")


class Server:
    """The indexes of a collection, with the rules of a server on which may stand side by side."""

    def __init__(self) -> None:
        self.specs: dict[str, dict[str, Any]] = {"_id_": {"v": 2, "key": {"_id": 1}, "name": "_id_"}}

    def add(self, index: IndexDeclaration, name: str) -> bool:
        """Make an index unless a server would refuse it."""
        alike = [have for have in self.specs.values() if tuple(have["key"].items()) == index.keys]
        if name in self.specs or any(not differences(have, index).keys() & SIGNATURE for have in alike):
            return False
        self.specs[name] = {"v": 2, "key": dict(index.keys), "name": name, **options_of(index)}
        return True

    def apply(self, step: IndexStep) -> None:
        """Carry a step out as a server does, or fail."""
        match step.kind:
            case StepKind.CREATE:
                assert step.index is not None
                assert self.add(step.index, step.name), step
            case StepKind.MODIFY:
                for name, value in step.changes.items():
                    assert name in {"hidden", "expireAfterSeconds"}
                    assert value is not None
                    self.specs[step.name][name] = value
            case StepKind.HIDE:
                self.specs[step.name]["hidden"] = True
            case StepKind.DROP:
                assert self.specs.pop(step.name)["hidden"], "dropped without being hidden"
            case StepKind.COLLECTION:
                raise AssertionError("the collection is there")


@st.composite
def servers(draw: st.DrawFn) -> Server:
    """A server with what tristore once declared, and with what others made."""
    server = Server()
    for index in draw(st.lists(indexes, max_size=3)):
        server.add(index, index.name)
    for index, name in draw(st.lists(st.tuples(indexes, st.sampled_from(NAMES)), max_size=3)):
        server.add(index, name)
    return server


def planned(declared: CollectionDeclaration, server: Server, drop: tuple[str, ...] = ()) -> IndexPlan:
    """The plan for what there is."""
    return plan_of([CollectionPlan(declared, [*server.specs.values()], {}, drop)], drop)


@sized(100, soak=800)
def test_a_plan_leaves_no_drift(examples: int) -> None:
    """Each step can be carried out; afterwards no step is left, and what is left undone was named as a problem."""

    @settings(max_examples=examples)
    @given(declarations, servers())
    def law(declared: CollectionDeclaration, server: Server) -> None:
        plan = planned(declared, server)
        for step in plan.steps:
            server.apply(step)
        again = planned(declared, server)

        assert () == again.steps
        assert plan.problems == again.problems
        there = [
            index
            for index in declared.indexes
            if any(
                tuple(have["key"].items()) == index.keys and not differences(have, index)
                for have in server.specs.values()
            )
        ]
        left_over = [problem for problem in plan.problems if " stands where " in problem]
        assert len(declared.indexes) - len(there) == len(plan.problems) - len(left_over)

    law()


@sized(100, soak=800)
def test_a_plan_leaves_others_alone(examples: int) -> None:
    """What nobody declared is as it was after a plan was carried out; without a name nothing is hidden or dropped."""

    @settings(max_examples=examples)
    @given(declarations, servers())
    def law(declared: CollectionDeclaration, server: Server) -> None:
        plan = planned(declared, server)
        assert {step.kind for step in plan.steps} <= {StepKind.CREATE, StepKind.MODIFY}
        before = {index.name: dict(server.specs[index.name]) for index in plan.undeclared}
        for step in plan.steps:
            server.apply(step)

        assert before == {name: server.specs.get(name) for name in before}

    law()


@sized(100, soak=600)
def test_named_indexes_go_in_two_steps(examples: int) -> None:
    """An undeclared index that is named is hidden by one plan and dropped by the next, and no other goes with it."""

    @settings(max_examples=examples)
    @given(declarations, servers(), st.data())
    def law(declared: CollectionDeclaration, server: Server, data: st.DataObject) -> None:
        for step in planned(declared, server).steps:
            server.apply(step)
        undeclared = [index.name for index in planned(declared, server).undeclared]
        if not undeclared:
            return
        name = data.draw(st.sampled_from(undeclared))
        was_hidden = bool(server.specs[name].get("hidden"))
        kept = server.specs.keys() - {name}
        kinds = []
        while name in server.specs:
            step = next(step for step in planned(declared, server, (name,)).steps if step.name == name)
            server.apply(step)
            kinds.append(step.kind)

        assert ([StepKind.DROP] if was_hidden else [StepKind.HIDE, StepKind.DROP]) == kinds
        assert kept <= server.specs.keys()

    law()


def test_hidden_is_part_of_a_declaration() -> None:
    """An index may be declared hidden, and is shown again when it no longer is."""
    index = IndexDeclaration(KEYS[0], options={"hidden": True})
    server = Server()
    server.add(index, index.name)
    shown = CollectionDeclaration("things", (evolve(index, options={}),))

    assert () == planned(CollectionDeclaration("things", (index,)), server).steps
    assert [{"hidden": False}] == [dict(step.changes) for step in planned(shown, server).steps]
