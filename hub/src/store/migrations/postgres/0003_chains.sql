-- Audit and histories of cases become chains of hashes (see store/chain.rs). Rows that are there
-- already are chained by the hub when it opens the store; until then, and only then, they may be updated.
DROP TRIGGER audit_is_never_changed ON audit;
DROP TRIGGER transitions_are_never_changed ON transitions;
ALTER TABLE audit ADD COLUMN link BIGINT;
ALTER TABLE audit ADD COLUMN hash TEXT COLLATE "C";
ALTER TABLE transitions ADD COLUMN link BIGINT;
ALTER TABLE transitions ADD COLUMN hash TEXT COLLATE "C";
CREATE UNIQUE INDEX audit_links ON audit (link);
CREATE UNIQUE INDEX transition_links ON transitions (link);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
FOR EACH ROW WHEN (OLD.hash IS NOT NULL) EXECUTE FUNCTION refuse('audit rows are never changed');
CREATE TRIGGER transitions_are_never_changed BEFORE UPDATE ON transitions
FOR EACH ROW WHEN (OLD.hash IS NOT NULL) EXECUTE FUNCTION refuse('transitions are never changed');

CREATE TABLE chain_heads (
    name  TEXT COLLATE "C" PRIMARY KEY,
    links BIGINT NOT NULL,
    hash  TEXT COLLATE "C" NOT NULL
);

-- A restored store begins a new epoch; how long the chains were then.
CREATE TABLE epochs (
    epoch       BIGINT PRIMARY KEY,
    at          BIGINT NOT NULL,
    audit       BIGINT NOT NULL,
    transitions BIGINT NOT NULL
);
INSERT INTO epochs (epoch, at, audit, transitions) VALUES (1, 0, 0, 0);

CREATE INDEX refused_by_time ON refused_messages (arrived_at);

-- Counts and the oldest unacknowledged case are answered from these alone, without reading the cases.
CREATE INDEX cases_open_counts ON cases (severity) WHERE is_open = 1 AND is_drill = 0;
CREATE INDEX cases_unacknowledged ON cases (opened_at) WHERE is_open = 1 AND acknowledged_at IS NULL AND is_drill = 0;

-- TRUNCATE goes around triggers for rows.
CREATE TRIGGER audit_is_never_emptied BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse('audit rows are never deleted');
CREATE TRIGGER transitions_are_never_emptied BEFORE TRUNCATE ON transitions
FOR EACH STATEMENT EXECUTE FUNCTION refuse('transitions are never deleted');
