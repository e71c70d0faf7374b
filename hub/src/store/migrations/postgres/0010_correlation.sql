-- Correlation: what hides a case for now, in which flood it was opened, its response level (1 to 4), and when
-- the sensors behind a gateway that is back get cases of their own.
ALTER TABLE cases ADD COLUMN silenced_by BIGINT;
ALTER TABLE cases ADD COLUMN flood BIGINT;
ALTER TABLE cases ADD COLUMN level BIGINT NOT NULL DEFAULT 4;
ALTER TABLE cases ADD COLUMN release_at BIGINT;
CREATE INDEX cases_silenced ON cases (silenced_by) WHERE silenced_by IS NOT NULL;
CREATE INDEX cases_by_flood ON cases (flood) WHERE flood IS NOT NULL;
CREATE INDEX cases_to_release ON cases (release_at) WHERE release_at IS NOT NULL;
CREATE INDEX cases_spread ON cases (category, opened_at) WHERE is_open = 1;

-- The case of a key that ended last.
CREATE INDEX case_keys_ended ON case_keys (key, case_id) WHERE is_open = 0;

CREATE TABLE silences (
    id        BIGINT PRIMARY KEY,
    area_path TEXT COLLATE "C" NOT NULL,
    ends_at   BIGINT NOT NULL,
    is_ended  BIGINT NOT NULL,
    body      TEXT COLLATE "C" NOT NULL
);
CREATE INDEX silences_to_come ON silences (ends_at) WHERE is_ended = 0;

-- The alarms of each desk in the last ten minutes, and its flood.
CREATE TABLE flood_desks (
    desk  TEXT COLLATE "C" PRIMARY KEY,
    flood BIGINT,
    body  TEXT COLLATE "C" NOT NULL
);
CREATE INDEX flood_desks_flooded ON flood_desks (flood) WHERE flood IS NOT NULL;

-- ISA-18.2: when each flood began and ended, how many alarms it had, the most in ten minutes.
CREATE TABLE floods (
    id       BIGINT PRIMARY KEY,
    desk     TEXT COLLATE "C" NOT NULL,
    began_at BIGINT NOT NULL,
    ended_at BIGINT,
    alarms   BIGINT NOT NULL,
    peak     BIGINT NOT NULL
);
CREATE INDEX floods_by_time ON floods (began_at);
ALTER TABLE events ADD COLUMN flood BIGINT;
INSERT INTO counters (name, value) VALUES ('silence', 0), ('flood', 0);
