"""Who hears what: subscriptions of a stage's two topics, said in words."""
