-- Audit and histories of cases become chains of hashes (see store/chain.rs). Rows that are there
-- already are chained by the hub when it opens the store; until then, and only then, they may be updated.
DROP TRIGGER audit_is_never_changed;
DROP TRIGGER transitions_are_never_changed;
ALTER TABLE audit ADD COLUMN link INTEGER;
ALTER TABLE audit ADD COLUMN hash TEXT;
ALTER TABLE transitions ADD COLUMN link INTEGER;
ALTER TABLE transitions ADD COLUMN hash TEXT;
CREATE UNIQUE INDEX audit_links ON audit (link);
CREATE UNIQUE INDEX transition_links ON transitions (link);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit WHEN OLD.hash IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER transitions_are_never_changed BEFORE UPDATE ON transitions WHEN OLD.hash IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'transitions are never changed'); END;

CREATE TABLE chain_heads (
    name  TEXT PRIMARY KEY,
    links INTEGER NOT NULL,
    hash  TEXT NOT NULL
);

-- A restored store begins a new epoch; how long the chains were then.
CREATE TABLE epochs (
    epoch       INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    audit       INTEGER NOT NULL,
    transitions INTEGER NOT NULL
);
INSERT INTO epochs (epoch, at, audit, transitions) VALUES (1, 0, 0, 0);

CREATE INDEX refused_by_time ON refused_messages (arrived_at);

-- Counts and the oldest unacknowledged case are answered from these alone, without reading the cases.
CREATE INDEX cases_open_counts ON cases (severity) WHERE is_open = 1 AND is_drill = 0;
CREATE INDEX cases_unacknowledged ON cases (opened_at) WHERE is_open = 1 AND acknowledged_at IS NULL AND is_drill = 0;
