"""The walls inside the database: the ENGINE (`base`), the roles, and the one table of grants."""
