"""Who may do what: AWS's policies, evaluated for every caller that is not the account's root."""
