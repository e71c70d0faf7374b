-- What lists of cases are filtered by: limit, card and who handles it. They stand in the body, too.
ALTER TABLE cases ADD COLUMN due_at BIGINT;
ALTER TABLE cases ADD COLUMN card TEXT COLLATE "C" NOT NULL DEFAULT 'none';
ALTER TABLE cases ADD COLUMN handler TEXT COLLATE "C";
UPDATE cases SET
    due_at = (EXTRACT(EPOCH FROM (body::jsonb #>> '{progress,due_at}')::timestamptz) * 1000)::bigint,
    card = COALESCE(body::jsonb #>> '{progress,card}', 'none'),
    handler = body::jsonb #>> '{progress,handler}';
CREATE INDEX cases_by_due ON cases (due_at) WHERE is_open = 1;
CREATE INDEX cases_by_handler ON cases (handler) WHERE is_open = 1;

-- Sites are shown with their first gateway.
CREATE INDEX gateways_by_site ON gateways (site, id) WHERE revoked_at IS NULL;
