"""What the server says of a plan, in a few words."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...backend.administration import QueryPlan

Stage = Mapping[str, Any]

_EVERYTHING = (["[MinKey, MaxKey]"], ["[MaxKey, MinKey]"])


def plan_of(explained: Mapping[str, Any]) -> QueryPlan:
    """Read what ``explain`` returned of a find."""
    stages = [*_stages(_winning(explained))]
    names = [stage["stage"] for stage in stages]
    summary = dict.fromkeys(_summary(stage) for stage in stages if _is_access(stage))
    filters = any("filter" in stage for stage in stages)
    scans = "COLLSCAN" in names or (filters and any(map(_is_whole, stages)))
    return QueryPlan(", ".join(summary) or ", ".join(names[-1:]), scans=scans, sorts="SORT" in names)


def _winning(explained: Mapping[str, Any]) -> Stage:
    """The plan of one server; of a sharded cluster, or of the newer engine, it lies deeper."""
    planner = explained.get("queryPlanner") or explained["stages"][0]["$cursor"]["queryPlanner"]
    plan: Stage = planner["winningPlan"]
    inner: Stage = plan.get("queryPlan", plan)
    return inner


def _stages(stage: Stage) -> Iterator[Stage]:
    if "stage" in stage:
        yield stage
    for word in ("inputStage", "winningPlan", "queryPlan", "outerStage", "innerStage", "thenStage", "elseStage"):
        if isinstance(stage.get(word), Mapping):
            yield from _stages(stage[word])
    for word in ("inputStages", "shards"):
        for inner in stage.get(word, ()):
            yield from _stages(inner)


def _is_access(stage: Stage) -> bool:
    return "indexName" in stage or stage["stage"] in {"COLLSCAN", "IDHACK", "EOF"}


def _is_whole(stage: Stage) -> bool:
    """Whether a stage looks at every key of an index."""
    bounds = stage.get("indexBounds")
    return isinstance(bounds, Mapping) and bool(bounds) and all(list(one) in _EVERYTHING for one in bounds.values())


def _summary(stage: Stage) -> str:
    whole = ", all of it" if _is_whole(stage) else ""
    return f"{stage['stage']} {stage.get('indexName', '')}".rstrip() + whole
