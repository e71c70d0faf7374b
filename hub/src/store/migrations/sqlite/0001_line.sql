-- Times are milliseconds since 1970-01-01T00:00:00Z. Columns named `body` hold JSON.

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);
INSERT INTO counters (name, value) VALUES ('event', 0), ('case', 0);

CREATE TABLE users (
    name          TEXT PRIMARY KEY,
    display_name  TEXT NOT NULL,
    role          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    language      TEXT,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER
);

CREATE TABLE sessions (
    token_hash   TEXT PRIMARY KEY,
    username     TEXT NOT NULL REFERENCES users (name),
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (username);

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;

CREATE TABLE gateways (
    id         TEXT PRIMARY KEY,
    site       TEXT NOT NULL,
    key_hash   TEXT NOT NULL UNIQUE,
    added_at   INTEGER NOT NULL,
    revoked_at INTEGER
);

-- The newest heartbeat of each gateway, and what the hub itself found wrong with it.
CREATE TABLE gateway_status (
    gateway           TEXT PRIMARY KEY REFERENCES gateways (id),
    state             TEXT NOT NULL,
    last_heartbeat_at INTEGER,
    stream            TEXT,
    boot_epoch        INTEGER NOT NULL DEFAULT 0,
    number            INTEGER NOT NULL DEFAULT 0,
    offline_alert     TEXT,
    body              TEXT NOT NULL,
    hub_faults        TEXT NOT NULL DEFAULT '[]'
);

CREATE TABLE gateway_devices (
    gateway TEXT NOT NULL REFERENCES gateways (id),
    device  TEXT NOT NULL,
    known   INTEGER NOT NULL,
    state   TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (gateway, device)
);

-- Which sequence numbers of an outbox have arrived, as inclusive ranges that never touch.
CREATE TABLE sequence_ranges (
    gateway  TEXT NOT NULL,
    stream   TEXT NOT NULL,
    first_no INTEGER NOT NULL,
    last_no  INTEGER NOT NULL,
    PRIMARY KEY (gateway, stream, first_no)
);

CREATE TABLE gaps (
    gateway    TEXT NOT NULL,
    stream     TEXT NOT NULL,
    id         INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (gateway, stream, id)
);

-- Messages that will never be accepted, kept for people to look at.
CREATE TABLE refused_messages (
    id         INTEGER PRIMARY KEY,
    gateway    TEXT NOT NULL,
    stream     TEXT NOT NULL,
    sequence   INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    body       TEXT NOT NULL
);
CREATE INDEX refused_by_gateway ON refused_messages (gateway, sequence);

CREATE TABLE cases (
    id         INTEGER PRIMARY KEY,
    number     TEXT NOT NULL UNIQUE,
    version    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    is_open    INTEGER NOT NULL,
    severity   INTEGER NOT NULL,
    category   TEXT NOT NULL,
    site       TEXT NOT NULL,
    is_drill   INTEGER NOT NULL,
    opened_at  INTEGER NOT NULL,
    ended_at   INTEGER,
    group_key  TEXT,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    search     TEXT NOT NULL,
    body       TEXT NOT NULL
);
CREATE INDEX cases_open ON cases (severity, opened_at, id) WHERE is_open = 1;
CREATE INDEX cases_ended ON cases (ended_at, id) WHERE is_open = 0;
CREATE INDEX cases_by_group ON cases (group_key) WHERE is_open = 1;
CREATE INDEX cases_by_site ON cases (site, id);
CREATE INDEX cases_by_time ON cases (opened_at);

-- One open case per correlation key: this index decides, whatever the hub has worked out.
CREATE TABLE case_keys (
    key     TEXT NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    is_open INTEGER NOT NULL,
    PRIMARY KEY (case_id, key)
);
CREATE UNIQUE INDEX one_open_case_per_key ON case_keys (key) WHERE is_open = 1;

-- One alert, one case.
CREATE TABLE alerts (
    id         TEXT PRIMARY KEY,
    gateway    TEXT NOT NULL,
    case_id    INTEGER NOT NULL REFERENCES cases (id),
    category   TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    messages   INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    joined_at  INTEGER NOT NULL,
    cleared_at INTEGER,
    because    TEXT NOT NULL,
    body       TEXT NOT NULL
);
CREATE INDEX alerts_by_case ON alerts (case_id, joined_at);

CREATE TABLE alert_messages (
    alert_id   TEXT NOT NULL REFERENCES alerts (id),
    revision   INTEGER NOT NULL,
    gateway    TEXT NOT NULL,
    stream     TEXT,
    sequence   INTEGER,
    boot_epoch INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (alert_id, revision)
);
CREATE INDEX alert_messages_by_sequence ON alert_messages (gateway, stream, sequence);

CREATE TABLE transitions (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (case_id, seq)
);
CREATE TRIGGER transitions_are_never_changed BEFORE UPDATE ON transitions
BEGIN SELECT RAISE(ABORT, 'transitions are never changed'); END;
CREATE TRIGGER transitions_are_never_deleted BEFORE DELETE ON transitions
BEGIN SELECT RAISE(ABORT, 'transitions are never deleted'); END;

-- Numbered from the `event` counter inside the commit: no gaps, in the order of commits.
CREATE TABLE events (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    change  TEXT NOT NULL,
    case_id INTEGER REFERENCES cases (id),
    gateway TEXT
);
