"""The compiled half of the adapter, which every generation has; only its importability matters here."""
