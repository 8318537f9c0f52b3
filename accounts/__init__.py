"""Who acts, and where: users, keys, the audit trail, divisions and pairings."""
