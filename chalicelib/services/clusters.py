"""Clusters: the Marathons that registered, by the names that their operators gave them."""

import re
from dataclasses import dataclass

from chalicelib.services.table import ConditionFailed, Table

NAME = "[a-z0-9][a-z0-9._-]{0,62}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """``marathon_url``: its addresses, separated by commas; empty if not known. ``framework_id``:
    Mesos' id of that Marathon, empty if Marathon did not send it. ``login``: the options that name
    its login and its CA certificate (never a password).
    """

    name: str
    marathon_url: str
    framework_id: str
    login: str = ""

    def has_address_of(self, url: str) -> bool:
        """Whether one of these addresses, separated by commas, is one of its own."""
        return not set(self.marathon_url.split(",")).isdisjoint(url.split(","))

    def is_marathon(self, url: str, framework_id: str) -> bool:
        """Whether this is the Marathon with that framework id or, where one of the two does not
        send its own, with one of those addresses.
        """
        if self.framework_id and framework_id:
            return self.framework_id == framework_id
        return self.has_address_of(url)


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
        held = self._find(cluster.name)
        if held and not _may_have_name_of(cluster, held):
            raise NameTaken(held)
        free, values = "attribute_not_exists(pk)", {}
        if held:
            free = "marathon = :marathon AND framework_id = :id"
            values = {":marathon": {"S": held.marathon_url}, ":id": {"S": held.framework_id}}
        try:
            self._table.put(item, free, values)
        except ConditionFailed:  # another one took it in between
            raise NameTaken(self._find(cluster.name) or cluster) from None

    def all(self) -> list[Cluster]:
        """Every cluster, by name."""
        found = self._table.query("pk = :clusters", clusters="#clusters")
        return [
            Cluster(each["sk"], each["marathon"], each["framework_id"], each.get("login", ""))
            for each in found
        ]

    def _find(self, name: str) -> Cluster | None:
        return next((each for each in self.all() if each.name == name), None)

    def forget(self, name: str) -> None:
        """Remove a cluster; its records stay."""
        self._table.delete({"pk": {"S": "#clusters"}, "sk": {"S": name}})


def _may_have_name_of(cluster: Cluster, held: Cluster) -> bool:
    """Whether a Marathon may take the name of this one: it is the same, or the holder is known by
    its name alone.
    """
    by_name_alone = bool(cluster.framework_id) and not held.framework_id
    return by_name_alone or held.is_marathon(cluster.marathon_url, cluster.framework_id)
