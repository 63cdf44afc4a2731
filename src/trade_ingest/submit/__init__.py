"""Runs as jobs of clouds: rendered from the templates of ``cloud_jobs/``, submitted, followed to their end."""
