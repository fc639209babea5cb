"""Discovery of linear actions, in any basis."""
