-- What waits for somebody's decision: a unit's request for more time or a standstill, or its appeal. Few cases
-- have something; they are found without reading the others.
ALTER TABLE cases ADD COLUMN waits_for TEXT COLLATE "C";
UPDATE cases SET waits_for = body::jsonb #>> '{progress,ask,what}'
    WHERE state IN ('dispatched', 'handling') AND body::jsonb #>> '{progress,ask,what}' IS NOT NULL;
UPDATE cases SET waits_for = 'appeal'
    WHERE state = 'closed' AND jsonb_typeof(body::jsonb #> '{progress,appeal}') = 'object'
        AND jsonb_array_length(body::jsonb #> '{progress,appeal,reviews}') < 2;
CREATE INDEX cases_waiting ON cases (waits_for, id) WHERE waits_for IS NOT NULL;
