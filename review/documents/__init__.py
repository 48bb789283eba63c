"""Documents made from a dossier: the application form and the agency's letters."""
