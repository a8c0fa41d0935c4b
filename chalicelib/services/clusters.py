"""Clusters: the Marathons that registered, by the names that their operators gave them."""

import re
from dataclasses import dataclass

from chalicelib.services.table import ConditionFailed, Table

NAME = "[a-z0-9][a-z0-9._-]{0,62}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """``framework_id``: Mesos' id of that Marathon, empty if Marathon did not send it. ``login``:
    the options that name its login and certificate authority (never a password).
    """

    name: str
    marathon_url: str
    framework_id: str
    login: str = ""


class NameTaken(Exception):
    """Another Marathon, ``holder``, has that name."""

    def __init__(self, holder: Cluster) -> None:
        super().__init__(holder.name)
        self.holder = holder


def allowed(name: str) -> bool:
    """Whether a cluster may have this name."""
    return re.fullmatch(NAME, name) is not None


class Clusters:
    """The clusters of one stage. Every method raises TableError."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, cluster: Cluster, *, force: bool = False) -> None:
        """Store a cluster. Raises NameTaken if another framework id has the name, unless forced."""
        item = {
            "pk": {"S": "#clusters"},
            "sk": {"S": cluster.name},
            "kind": {"S": "cluster"},
            "marathon": {"S": cluster.marathon_url},
            "login": {"S": cluster.login},
            "framework_id": {"S": cluster.framework_id},
        }
        if force:
            self._table.put(item)
            return
        try:
            # Marathons that don't send their framework id are distinguished by their address.
            if cluster.framework_id:
                free = "attribute_not_exists(pk) OR framework_id IN (:id, :none)"
                values = {":id": item["framework_id"], ":none": {"S": ""}}
                self._table.put(item, free, values)
            else:
                free = "attribute_not_exists(pk) OR marathon = :marathon"
                self._table.put(item, free, {":marathon": item["marathon"]})
        except ConditionFailed:
            holder = next((held for held in self.all() if held.name == cluster.name), cluster)
            raise NameTaken(holder) from None

    def all(self) -> list[Cluster]:
        """Every cluster, by name."""
        found = self._table.query("pk = :clusters", clusters="#clusters")
        return [
            Cluster(each["sk"], each["marathon"], each["framework_id"], each.get("login", ""))
            for each in found
        ]

    def forget(self, name: str) -> None:
        """Remove a cluster; its records stay."""
        self._table.delete({"pk": {"S": "#clusters"}, "sk": {"S": name}})
