"""Database ENGINE (`base`), roles and grants. Imports no models, so that Django can load it first."""
