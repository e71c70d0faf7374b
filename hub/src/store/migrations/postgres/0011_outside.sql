-- What comes from outside the gateways: keys of other systems, what people report, what systems say.

-- A key of another system; `kind` is open311, pagerduty or alertmanager, `area` the code of the area that it
-- is for (NULL: the whole tree).
CREATE TABLE outside_keys (
    name       TEXT COLLATE "C" PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL,
    area       TEXT COLLATE "C",
    key_hash   TEXT COLLATE "C" NOT NULL UNIQUE,
    per_minute BIGINT NOT NULL,
    added_at   BIGINT NOT NULL,
    revoked_at BIGINT
);

-- `outside`: the virtual gateway of a key; it has no heartbeats and its `key_hash` is no hash.
ALTER TABLE gateways ADD COLUMN kind TEXT COLLATE "C" NOT NULL DEFAULT 'agent';

-- A foreign system's alerts, by its own name for each.
CREATE TABLE outside_alerts (
    key_name  TEXT COLLATE "C" NOT NULL REFERENCES outside_keys (name),
    dedup_key TEXT COLLATE "C" NOT NULL,
    is_open   BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (key_name, dedup_key)
);
CREATE INDEX outside_alerts_ended ON outside_alerts (at) WHERE is_open = 0;

-- What people reported. `case_id` is the case that it opened (`opened` = 1) or joined as another report
-- of the same matter (`opened` = 0, 重复); `current_case` the one that has it since cases were merged.
CREATE TABLE case_reports (
    id           TEXT COLLATE "C" PRIMARY KEY,
    case_id      BIGINT NOT NULL REFERENCES cases (id),
    current_case BIGINT NOT NULL REFERENCES cases (id),
    opened       BIGINT NOT NULL,
    source       TEXT COLLATE "C" NOT NULL,
    teller       TEXT COLLATE "C" NOT NULL,
    at           BIGINT NOT NULL,
    category     TEXT COLLATE "C" NOT NULL,
    lat          DOUBLE PRECISION,
    lon          DOUBLE PRECISION,
    request_key  TEXT COLLATE "C",
    request_hash TEXT COLLATE "C" NOT NULL,
    rating       BIGINT,
    rated_by     TEXT COLLATE "C",
    rated_at     BIGINT,
    body         TEXT COLLATE "C" NOT NULL
);
CREATE INDEX case_reports_by_case ON case_reports (case_id);
CREATE INDEX case_reports_by_current_case ON case_reports (current_case);
CREATE INDEX case_reports_by_source ON case_reports (source, at);
CREATE INDEX case_reports_by_request ON case_reports (teller, request_hash, at);
-- The same key again is the same report.
CREATE UNIQUE INDEX one_report_per_key ON case_reports (teller, request_key) WHERE request_key IS NOT NULL;

-- Who reported it: personal data, stored apart so that it can go while the report stays.
CREATE TABLE case_reporters (
    report_id TEXT COLLATE "C" PRIMARY KEY REFERENCES case_reports (id),
    told_at   BIGINT,
    body      TEXT COLLATE "C" NOT NULL
);
