"""The ground: agencies, hosts, accounts, roles, and the walls between the agencies."""
