-- Why a partition is not read, and what gateways are asked to send again (docs/decisions/0067).
ALTER TABLE ledger ADD COLUMN damage text;      -- set by its owner while the log does not go on where the ledger stands
ALTER TABLE gateway
    ADD COLUMN resend_since timestamptz,        -- send again what was delivered since then …
    ADD COLUMN resend_asked timestamptz;        -- … once for each value of this
CREATE INDEX latest_partition ON latest ((patient % 64));  -- whose readings a partition is restored from
