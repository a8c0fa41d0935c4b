"""Why nothing arrives: findings from evidence, one module for each place to look at. The doctor
changes nothing, but it makes Marathon send one event.
"""
