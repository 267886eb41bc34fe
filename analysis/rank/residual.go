package rank

func residuals(t *table, p period, ev []Evidence) {}
