-- Correlation: what hides a case for now, in which flood it was opened, its response level (1 to 4), and when
-- the sensors behind a gateway that is back get cases of their own.
ALTER TABLE cases ADD COLUMN silenced_by INTEGER;
ALTER TABLE cases ADD COLUMN flood INTEGER;
ALTER TABLE cases ADD COLUMN level INTEGER NOT NULL DEFAULT 4;
ALTER TABLE cases ADD COLUMN release_at INTEGER;
CREATE INDEX cases_silenced ON cases (silenced_by) WHERE silenced_by IS NOT NULL;
CREATE INDEX cases_by_flood ON cases (flood) WHERE flood IS NOT NULL;
CREATE INDEX cases_to_release ON cases (release_at) WHERE release_at IS NOT NULL;
CREATE INDEX cases_spread ON cases (category, opened_at) WHERE is_open = 1;

-- The case of a key that ended last.
CREATE INDEX case_keys_ended ON case_keys (key, case_id) WHERE is_open = 0;

CREATE TABLE silences (
    id        INTEGER PRIMARY KEY,
    area_path TEXT NOT NULL,
    ends_at   INTEGER NOT NULL,
    is_ended  INTEGER NOT NULL,
    body      TEXT NOT NULL
);
CREATE INDEX silences_to_come ON silences (ends_at) WHERE is_ended = 0;

-- The alarms of each desk in the last ten minutes, and its flood.
CREATE TABLE flood_desks (
    desk  TEXT PRIMARY KEY,
    flood INTEGER,
    body  TEXT NOT NULL
);
CREATE INDEX flood_desks_flooded ON flood_desks (flood) WHERE flood IS NOT NULL;

-- ISA-18.2: when each flood began and ended, how many alarms it had, the most in ten minutes.
CREATE TABLE floods (
    id       INTEGER PRIMARY KEY,
    desk     TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    alarms   INTEGER NOT NULL,
    peak     INTEGER NOT NULL
);
CREATE INDEX floods_by_time ON floods (began_at);
ALTER TABLE events ADD COLUMN flood INTEGER;
INSERT INTO counters (name, value) VALUES ('silence', 0), ('flood', 0);
