"""Clusters: the Marathons that registered, by the names that their operators gave them."""

import re
from dataclasses import dataclass

from chalicelib.services.table import ConditionFailed, Table

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Cluster:
    """``framework_id``: Mesos' id of that Marathon, empty where Marathon did not tell it."""

    name: str
    marathon: str
    framework_id: str


class NameTaken(Exception):
    """Another Marathon, ``holder``, has that name."""

    def __init__(self, holder: Cluster) -> None:
        super().__init__(holder.name)
        self.holder = holder


def allowed(name: str) -> bool:
    """Whether a cluster may be called so."""
    return _NAME.fullmatch(name) is not None


class Clusters:
    """The clusters of one stage. Every method raises TableError."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, cluster: Cluster, *, force: bool = False) -> None:
        """Write a cluster down. Raises NameTaken where another framework id holds the name,
        unless forced.
        """
        item = {
            "pk": {"S": "#clusters"},
            "sk": {"S": cluster.name},
            "kind": {"S": "cluster"},
            "marathon": {"S": cluster.marathon},
            "framework_id": {"S": cluster.framework_id},
        }
        if force:
            self._table.put(item)
            return
        try:
            # Marathons that don't tell their framework id are told apart by their address.
            if cluster.framework_id:
                free = "attribute_not_exists(pk) OR framework_id IN (:id, :none)"
                self._table.put(item, free, id=cluster.framework_id, none="")
            else:
                free = "attribute_not_exists(pk) OR marathon = :marathon"
                self._table.put(item, free, marathon=cluster.marathon)
        except ConditionFailed:
            holder = next((held for held in self.all() if held.name == cluster.name), cluster)
            raise NameTaken(holder) from None

    def all(self) -> list[Cluster]:
        """Every cluster, by name."""
        found = self._table.query("pk = :clusters", clusters="#clusters")
        return [Cluster(each["sk"], each["marathon"], each["framework_id"]) for each in found]
