-- The directory: area tree, sites, units, duties, hazard points and contacts. The store holds the truth;
-- files are how it comes in and goes out. Its version grows with every change; 0 is a store that has
-- not been filled yet.
INSERT INTO counters (name, value) VALUES ('directory', 0);

-- `path` is the way down to the area, such as /990100/990101/; it follows the parents. `outline` is a
-- GeoJSON geometry in WGS84; `datum` says whether it was converted.
CREATE TABLE areas (
    code    TEXT PRIMARY KEY,
    parent  TEXT,
    level   TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    path    TEXT NOT NULL,
    outline TEXT,
    datum   TEXT
);
CREATE INDEX areas_by_path ON areas (path);

CREATE TABLE sites (
    id            TEXT PRIMARY KEY,
    name_zh       TEXT NOT NULL,
    name_en       TEXT NOT NULL,
    grid          TEXT NOT NULL,
    address_zh    TEXT NOT NULL,
    address_en    TEXT NOT NULL,
    building_code TEXT,
    lat           REAL NOT NULL,
    lon           REAL NOT NULL,
    datum         TEXT NOT NULL
);

CREATE TABLE units (
    code    TEXT PRIMARY KEY,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    kind    TEXT NOT NULL,
    area    TEXT NOT NULL,
    phone   TEXT
);

-- Whose duty a category is in an area and everything below it.
CREATE TABLE duties (
    area     TEXT NOT NULL,
    category TEXT NOT NULL,
    unit     TEXT NOT NULL,
    PRIMARY KEY (area, category)
);

CREATE TABLE hazards (
    code     TEXT PRIMARY KEY,
    category TEXT NOT NULL,
    name_zh  TEXT NOT NULL,
    name_en  TEXT NOT NULL,
    grid     TEXT NOT NULL,
    lat      REAL NOT NULL,
    lon      REAL NOT NULL,
    datum    TEXT NOT NULL
);

-- Whom to call about a site or a hazard point; `ordinal` 1 is called first.
CREATE TABLE contacts (
    place_kind TEXT NOT NULL,
    place      TEXT NOT NULL,
    ordinal    INTEGER NOT NULL,
    name       TEXT NOT NULL,
    duty       TEXT NOT NULL,
    phone      TEXT NOT NULL,
    PRIMARY KEY (place_kind, place, ordinal)
);

ALTER TABLE users ADD COLUMN phone TEXT;
-- Grows with every change of a person.
ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
