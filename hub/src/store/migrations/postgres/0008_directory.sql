-- The directory: area tree, sites, units, duties, hazard points and contacts. The store holds the truth;
-- files are how it comes in and goes out. Its version grows with every change; 0 is a store that has
-- not been filled yet.
INSERT INTO counters (name, value) VALUES ('directory', 0);

-- `path` is the way down to the area, such as /990100/990101/; it follows the parents. `outline` is a
-- GeoJSON geometry in WGS84; `datum` says whether it was converted.
CREATE TABLE areas (
    code    TEXT COLLATE "C" PRIMARY KEY,
    parent  TEXT COLLATE "C",
    level   TEXT COLLATE "C" NOT NULL,
    name_zh TEXT COLLATE "C" NOT NULL,
    name_en TEXT COLLATE "C" NOT NULL,
    path    TEXT COLLATE "C" NOT NULL,
    outline TEXT COLLATE "C",
    datum   TEXT COLLATE "C"
);
CREATE INDEX areas_by_path ON areas (path);

CREATE TABLE sites (
    id            TEXT COLLATE "C" PRIMARY KEY,
    name_zh       TEXT COLLATE "C" NOT NULL,
    name_en       TEXT COLLATE "C" NOT NULL,
    grid          TEXT COLLATE "C" NOT NULL,
    address_zh    TEXT COLLATE "C" NOT NULL,
    address_en    TEXT COLLATE "C" NOT NULL,
    building_code TEXT COLLATE "C",
    lat           DOUBLE PRECISION NOT NULL,
    lon           DOUBLE PRECISION NOT NULL,
    datum         TEXT COLLATE "C" NOT NULL
);

CREATE TABLE units (
    code    TEXT COLLATE "C" PRIMARY KEY,
    name_zh TEXT COLLATE "C" NOT NULL,
    name_en TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    area    TEXT COLLATE "C" NOT NULL,
    phone   TEXT COLLATE "C"
);

-- Whose duty a category is in an area and everything below it.
CREATE TABLE duties (
    area     TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    unit     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (area, category)
);

CREATE TABLE hazards (
    code     TEXT COLLATE "C" PRIMARY KEY,
    category TEXT COLLATE "C" NOT NULL,
    name_zh  TEXT COLLATE "C" NOT NULL,
    name_en  TEXT COLLATE "C" NOT NULL,
    grid     TEXT COLLATE "C" NOT NULL,
    lat      DOUBLE PRECISION NOT NULL,
    lon      DOUBLE PRECISION NOT NULL,
    datum    TEXT COLLATE "C" NOT NULL
);

-- Whom to call about a site or a hazard point; `ordinal` 1 is called first.
CREATE TABLE contacts (
    place_kind TEXT COLLATE "C" NOT NULL,
    place      TEXT COLLATE "C" NOT NULL,
    ordinal    BIGINT NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    duty       TEXT COLLATE "C" NOT NULL,
    phone      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (place_kind, place, ordinal)
);

ALTER TABLE users ADD COLUMN phone TEXT COLLATE "C";
-- Grows with every change of a person.
ALTER TABLE users ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
