-- Who is on duty: rosters with every version they had, hand-overs, consoles, and what was missing.

-- Where a person is told that they are called.
ALTER TABLE users ADD COLUMN email TEXT COLLATE "C";

-- Of events that are about a desk: where in the area tree it is.
ALTER TABLE events ADD COLUMN area_path TEXT COLLATE "C";

-- Grows with every change of a roster.
INSERT INTO counters (name, value) VALUES ('roster', 0);

-- The roster of an area as it is now.
CREATE TABLE rosters (
    area       TEXT COLLATE "C" PRIMARY KEY,
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    body       TEXT COLLATE "C" NOT NULL
);

-- Every version that it had; `body` is NULL where the roster was taken away.
CREATE TABLE roster_versions (
    area     TEXT COLLATE "C" NOT NULL,
    version  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    actor    TEXT COLLATE "C" NOT NULL,
    body     TEXT COLLATE "C",
    PRIMARY KEY (area, version)
);

-- A shift was taken over: by whom, from whom, with which open cases.
CREATE TABLE duty_takeovers (
    id          BIGINT PRIMARY KEY,
    area        TEXT COLLATE "C" NOT NULL,
    area_path   TEXT COLLATE "C" NOT NULL,
    shift       TEXT COLLATE "C" NOT NULL,
    shift_from  BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    taken_by    TEXT COLLATE "C" NOT NULL,
    taken_from  TEXT COLLATE "C",
    note        TEXT COLLATE "C" NOT NULL,
    open_cases  BIGINT NOT NULL
);
CREATE UNIQUE INDEX one_takeover_of_a_shift ON duty_takeovers (area, shift, shift_from, taken_by);
CREATE INDEX duty_takeovers_by_area ON duty_takeovers (area_path, id);
INSERT INTO counters (name, value) VALUES ('takeover', 0);

CREATE TABLE duty_takeover_cases (
    takeover BIGINT NOT NULL REFERENCES duty_takeovers (id),
    case_id  BIGINT NOT NULL REFERENCES cases (id),
    severity BIGINT NOT NULL,
    state    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (takeover, case_id)
);

-- Consoles as they were heard of last.
CREATE TABLE duty_consoles (
    username TEXT COLLATE "C" NOT NULL REFERENCES users (name),
    console  TEXT COLLATE "C" NOT NULL,
    armed    BIGINT NOT NULL,
    visible  BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL,
    armed_at BIGINT,
    PRIMARY KEY (username, console)
);

-- What was missing at a desk: one open report of a kind for each area, until it is put right.
-- `event_seq` is the event that told it.
CREATE TABLE duty_reports (
    event_seq   BIGINT PRIMARY KEY,
    area        TEXT COLLATE "C" NOT NULL,
    area_path   TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    severity    BIGINT NOT NULL,
    began_at    BIGINT NOT NULL,
    reported_at BIGINT NOT NULL,
    ended_at    BIGINT,
    body        TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX one_open_report ON duty_reports (area, kind) WHERE ended_at IS NULL;

-- Whom an event called.
CREATE TABLE duty_calls (
    event_seq BIGINT NOT NULL,
    username  TEXT COLLATE "C" NOT NULL,
    role      TEXT COLLATE "C" NOT NULL,
    area      TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (event_seq, username)
);
