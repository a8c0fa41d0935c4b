"""Why nothing arrives: findings from evidence, one module for each place to look at.

Marathon (marathon_checks.py), the network path to the API (way_checks.py), the stage
(stage_checks.py). The doctor changes nothing, but it makes Marathon send one event.
"""
