"""The parts of a query, a file each: `infra.local.athena.sql.check` puts them together."""
