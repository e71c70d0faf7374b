-- What comes from outside the gateways: keys of other systems, what people report, what systems say.

-- A key of another system; `kind` is open311, pagerduty or alertmanager, `area` the code of the area that it
-- is for (NULL: the whole tree).
CREATE TABLE outside_keys (
    name       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    area       TEXT,
    key_hash   TEXT NOT NULL UNIQUE,
    per_minute INTEGER NOT NULL,
    added_at   INTEGER NOT NULL,
    revoked_at INTEGER
);

-- `outside`: the virtual gateway of a key; it has no heartbeats and its `key_hash` is no hash.
ALTER TABLE gateways ADD COLUMN kind TEXT NOT NULL DEFAULT 'agent';

-- A foreign system's alerts, by its own name for each.
CREATE TABLE outside_alerts (
    key_name  TEXT NOT NULL REFERENCES outside_keys (name),
    dedup_key TEXT NOT NULL,
    is_open   INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (key_name, dedup_key)
);
CREATE INDEX outside_alerts_ended ON outside_alerts (at) WHERE is_open = 0;

-- What people reported. `case_id` is the case that it opened (`opened` = 1) or joined as another report
-- of the same matter (`opened` = 0, 重复); `current_case` the one that has it since cases were merged.
CREATE TABLE case_reports (
    id           TEXT PRIMARY KEY,
    case_id      INTEGER NOT NULL REFERENCES cases (id),
    current_case INTEGER NOT NULL REFERENCES cases (id),
    opened       INTEGER NOT NULL,
    source       TEXT NOT NULL,
    teller       TEXT NOT NULL,
    at           INTEGER NOT NULL,
    category     TEXT NOT NULL,
    lat          REAL,
    lon          REAL,
    request_key  TEXT,
    request_hash TEXT NOT NULL,
    rating       INTEGER,
    rated_by     TEXT,
    rated_at     INTEGER,
    body         TEXT NOT NULL
);
CREATE INDEX case_reports_by_case ON case_reports (case_id);
CREATE INDEX case_reports_by_current_case ON case_reports (current_case);
CREATE INDEX case_reports_by_source ON case_reports (source, at);
CREATE INDEX case_reports_by_request ON case_reports (teller, request_hash, at);
-- The same key again is the same report.
CREATE UNIQUE INDEX one_report_per_key ON case_reports (teller, request_key) WHERE request_key IS NOT NULL;

-- Who reported it: personal data, stored apart so that it can go while the report stays.
CREATE TABLE case_reporters (
    report_id TEXT PRIMARY KEY REFERENCES case_reports (id),
    told_at   INTEGER,
    body      TEXT NOT NULL
);
