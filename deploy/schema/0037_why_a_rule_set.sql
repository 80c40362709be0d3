-- Why a rule set was applied, and the file that it came from (vigil rules apply).
ALTER TABLE rule_set ADD COLUMN reason text NOT NULL DEFAULT '';
ALTER TABLE rule_set ADD COLUMN source text NOT NULL DEFAULT '';
