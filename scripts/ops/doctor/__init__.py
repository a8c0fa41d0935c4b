"""Why nothing arrives: findings from evidence, by the place where they were looked for.

Marathon (marathon_checks.py), the way from here to the API (way_checks.py), the stage
(stage_checks.py). The doctor changes nothing, but for one event that it makes Marathon send.
"""
