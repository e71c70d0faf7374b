-- Who may see what: every case knows its place in the area tree, such as `/990100/990101/990101001/`;
-- empty when its site is not known. It follows the tree.
ALTER TABLE cases ADD COLUMN area_path TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX cases_open_by_area ON cases (area_path, severity, opened_at, id) WHERE is_open = 1;
CREATE INDEX cases_ended_by_area ON cases (area_path, ended_at, id) WHERE is_open = 0;

-- The units that have or had a case, or were asked or called about it.
CREATE TABLE case_units (
    case_id BIGINT NOT NULL REFERENCES cases (id),
    unit    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (unit, case_id)
);
INSERT INTO case_units (case_id, unit) SELECT id, unit FROM cases WHERE unit IS NOT NULL;

-- Where each known site is in the tree; what is at a site is seen by those who see its area.
CREATE TABLE site_areas (
    site      TEXT COLLATE "C" PRIMARY KEY,
    area_path TEXT COLLATE "C" NOT NULL
);

-- The area whose subtree a user works for; NULL is the whole tree.
ALTER TABLE users ADD COLUMN area TEXT COLLATE "C";
