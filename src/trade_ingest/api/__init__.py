"""The REST API: a thin shell over the public functions, served by Flask. Needs the extra ``api``."""
