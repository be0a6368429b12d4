"""What every service needs; it knows none by name. The page docs/architecture.md says what each module is for."""
