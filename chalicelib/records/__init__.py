"""An event as we keep it, and all that is made of it. Pure: no AWS, no Chalice, no I/O."""
