"""The compiled half of the December 2023 adapter; only its importability matters here."""
