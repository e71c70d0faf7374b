-- Who is on duty: rosters with every version they had, hand-overs, consoles, and what was missing.

-- Where a person is told that they are called.
ALTER TABLE users ADD COLUMN email TEXT;

-- Of events that are about a desk: where in the area tree it is.
ALTER TABLE events ADD COLUMN area_path TEXT;

-- Grows with every change of a roster.
INSERT INTO counters (name, value) VALUES ('roster', 0);

-- The roster of an area as it is now.
CREATE TABLE rosters (
    area       TEXT PRIMARY KEY,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    body       TEXT NOT NULL
);

-- Every version that it had; `body` is NULL where the roster was taken away.
CREATE TABLE roster_versions (
    area     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    body     TEXT,
    PRIMARY KEY (area, version)
);

-- A shift was taken over: by whom, from whom, with which open cases.
CREATE TABLE duty_takeovers (
    id          INTEGER PRIMARY KEY,
    area        TEXT NOT NULL,
    area_path   TEXT NOT NULL,
    shift       TEXT NOT NULL,
    shift_from  INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    taken_by    TEXT NOT NULL,
    taken_from  TEXT,
    note        TEXT NOT NULL,
    open_cases  INTEGER NOT NULL
);
CREATE UNIQUE INDEX one_takeover_of_a_shift ON duty_takeovers (area, shift, shift_from, taken_by);
CREATE INDEX duty_takeovers_by_area ON duty_takeovers (area_path, id);
INSERT INTO counters (name, value) VALUES ('takeover', 0);

CREATE TABLE duty_takeover_cases (
    takeover INTEGER NOT NULL REFERENCES duty_takeovers (id),
    case_id  INTEGER NOT NULL REFERENCES cases (id),
    severity INTEGER NOT NULL,
    state    TEXT NOT NULL,
    PRIMARY KEY (takeover, case_id)
);

-- Consoles as they were heard of last.
CREATE TABLE duty_consoles (
    username TEXT NOT NULL REFERENCES users (name),
    console  TEXT NOT NULL,
    armed    INTEGER NOT NULL,
    visible  INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL,
    armed_at INTEGER,
    PRIMARY KEY (username, console)
);

-- What was missing at a desk: one open report of a kind for each area, until it is put right.
-- `event_seq` is the event that told it.
CREATE TABLE duty_reports (
    event_seq   INTEGER PRIMARY KEY,
    area        TEXT NOT NULL,
    area_path   TEXT NOT NULL,
    kind        TEXT NOT NULL,
    severity    INTEGER NOT NULL,
    began_at    INTEGER NOT NULL,
    reported_at INTEGER NOT NULL,
    ended_at    INTEGER,
    body        TEXT NOT NULL
);
CREATE UNIQUE INDEX one_open_report ON duty_reports (area, kind) WHERE ended_at IS NULL;

-- Whom an event called.
CREATE TABLE duty_calls (
    event_seq INTEGER NOT NULL,
    username  TEXT NOT NULL,
    role      TEXT NOT NULL,
    area      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (event_seq, username)
);
