-- The closed loop: units, merged cases, repeated actions.

ALTER TABLE users ADD COLUMN unit TEXT COLLATE "C";

-- The unit that has the case.
ALTER TABLE cases ADD COLUMN unit TEXT COLLATE "C";
CREATE INDEX cases_by_unit ON cases (unit, id) WHERE is_open = 1;

-- That somebody has acknowledged a case is a stamp beside its state. The history stays as it was
-- written; its `acknowledged` reads as `reported`.
UPDATE cases SET state = 'reported' WHERE state = 'acknowledged';

-- Where the alerts of merged cases came from, so that merging can be undone.
CREATE TABLE merged_alerts (
    case_id  BIGINT NOT NULL REFERENCES cases (id),
    alert_id TEXT COLLATE "C" NOT NULL REFERENCES alerts (id),
    PRIMARY KEY (case_id, alert_id)
);
CREATE INDEX merged_alerts_by_alert ON merged_alerts (alert_id);

-- Keys of actions that were done: sent twice, they are done once.
CREATE TABLE action_keys (
    actor        TEXT COLLATE "C" NOT NULL,
    action_key   TEXT COLLATE "C" NOT NULL,
    case_id      BIGINT NOT NULL REFERENCES cases (id),
    request_hash TEXT COLLATE "C" NOT NULL,
    used_at      BIGINT NOT NULL,
    PRIMARY KEY (actor, action_key)
);
CREATE INDEX action_keys_by_time ON action_keys (used_at);
