-- What reports count: one narrow row for each case, derived from the case and its clocks by the commit that
-- changes it. Times are milliseconds on the clock of the step. `appeal`: 0 none, 1 waits, 2 refused,
-- 3 granted. Cards: 0 none, 1 yellow, 2 red. `is_current` is 0 for rows of before there were reports; the hub
-- works them out after its next start.
CREATE TABLE case_figures (
    id                  INTEGER PRIMARY KEY,
    opened_at           INTEGER NOT NULL,
    area_path           TEXT NOT NULL DEFAULT '',
    unit                TEXT,
    category            TEXT NOT NULL,
    severity            INTEGER NOT NULL,
    is_drill            INTEGER NOT NULL,
    outcome             TEXT NOT NULL DEFAULT 'open',
    cause               TEXT,
    acknowledged_by     TEXT,
    acknowledge_ms      INTEGER,
    acknowledge_late    INTEGER NOT NULL DEFAULT 0,
    file_ms             INTEGER,
    dispatch_ms         INTEGER,
    handle_ms           INTEGER,
    handle_late         INTEGER NOT NULL DEFAULT 0,
    handle_due_at       INTEGER,
    close_ms            INTEGER,
    close_late          INTEGER NOT NULL DEFAULT 0,
    close_due_at        INTEGER,
    is_filed            INTEGER NOT NULL DEFAULT 0,
    is_dispatched       INTEGER NOT NULL DEFAULT 0,
    is_handled          INTEGER NOT NULL DEFAULT 0,
    reworks             INTEGER NOT NULL DEFAULT 0,
    sent_back           INTEGER NOT NULL DEFAULT 0,
    reopened            INTEGER NOT NULL DEFAULT 0,
    extensions_asked    INTEGER NOT NULL DEFAULT 0,
    extensions_granted  INTEGER NOT NULL DEFAULT 0,
    suspensions_asked   INTEGER NOT NULL DEFAULT 0,
    suspensions_granted INTEGER NOT NULL DEFAULT 0,
    appeal              INTEGER NOT NULL DEFAULT 0,
    card                INTEGER NOT NULL DEFAULT 0,
    card_worst          INTEGER NOT NULL DEFAULT 0,
    rating              INTEGER,
    is_current          INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX case_figures_by_time ON case_figures (opened_at);
CREATE INDEX case_figures_carded ON case_figures (card) WHERE outcome = 'open' AND card > 0;
CREATE INDEX case_figures_due ON case_figures (handle_due_at) WHERE handle_due_at IS NOT NULL;
CREATE INDEX case_figures_old ON case_figures (id) WHERE is_current = 0;
INSERT INTO case_figures (id, opened_at, area_path, category, severity, is_drill, is_current)
    SELECT id, opened_at, area_path, category, severity, is_drill, CASE WHEN version = 1 THEN 1 ELSE 0 END FROM cases;

-- The point that an alert is about, for chattering and the most frequent ones; rows of before have none.
ALTER TABLE alerts ADD COLUMN device TEXT;
CREATE INDEX alerts_by_time ON alerts (arrived_at);

-- Who was signed in when.
CREATE INDEX audit_by_action ON audit (action, at);

-- A page of cases is found in an index alone, whatever the area; so are counts and the map.
DROP INDEX cases_open;
DROP INDEX cases_ended;
DROP INDEX cases_open_by_area;
DROP INDEX cases_ended_by_area;
CREATE INDEX cases_open ON cases (severity, opened_at, id, area_path, is_drill, silenced_by) WHERE is_open = 1;
CREATE INDEX cases_ended ON cases (ended_at, id, area_path, is_drill, silenced_by) WHERE is_open = 0;
CREATE INDEX cases_open_by_area ON cases (area_path, severity, opened_at, id, is_drill, silenced_by) WHERE is_open = 1;
CREATE INDEX cases_ended_by_area ON cases (area_path, ended_at, id, is_drill, silenced_by) WHERE is_open = 0;
-- What an officer acknowledged in the last hour.
CREATE INDEX cases_by_officer ON cases (acknowledged_by, acknowledged_at) WHERE acknowledged_by IS NOT NULL;
-- Most cases have neither group nor unit while alerts storm in: two entries less to write for each.
DROP INDEX cases_by_group;
DROP INDEX cases_by_unit;
CREATE INDEX cases_by_group ON cases (group_key) WHERE is_open = 1 AND group_key IS NOT NULL;
CREATE INDEX cases_by_unit ON cases (unit, id) WHERE is_open = 1 AND unit IS NOT NULL;
