-- Conditions whose alarm another session held when their round was stored: the owner of their partition folds them with its
-- next rounds, in this order.
CREATE TABLE condition_waiting (
    partition int4 NOT NULL,
    nth int8 NOT NULL GENERATED ALWAYS AS IDENTITY,
    condition jsonb NOT NULL,                   -- streams.engine.condition.Condition
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partition, nth)
);
