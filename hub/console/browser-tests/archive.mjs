/**
 * A tiny map of streets for the tests: a PMTiles archive of version 3 with one vector tile (or picture) that
 * stands for every place around, made byte by byte after the specification.
 */
import { gzipSync } from "node:zlib";
import { zxyToTileId } from "pmtiles";

const varint = (value) => {
  const bytes = [];
  let rest = BigInt(value);
  while (rest > 127n) {
    bytes.push(Number((rest & 127n) | 128n));
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
};

/** A field of a protocol buffer: a number, or bytes with their length. */
const field = (number, value) =>
  typeof value === "number"
    ? Buffer.concat([varint(number << 3), varint(value)])
    : Buffer.concat([varint((number << 3) | 2), varint(value.length), value]);

const zigzag = (value) => (value << 1) ^ (value >> 31);
const packed = (values) => Buffer.concat(values.map((value) => varint(value)));

/** Commands of a vector tile: move to the first corner, lines to the others, and close a ring. */
function geometry(corners, closed) {
  let [x, y] = [0, 0];
  const step = ([toX, toY]) => {
    const moved = [zigzag(toX - x), zigzag(toY - y)];
    [x, y] = [toX, toY];
    return moved;
  };
  const [first, ...others] = corners;
  return packed([
    9,
    ...step(first),
    (others.length << 3) | 2,
    ...others.flatMap(step),
    ...(closed ? [15] : []),
  ]);
}

const SIDE = 4096;

/** One layer with one feature, whose property `kind` (or `name`) has one value. */
function layer(name, type, corners, [key, value]) {
  const feature = Buffer.concat([
    field(2, packed([0, 0])),
    field(3, type),
    field(4, geometry(corners, type === 3)),
  ]);
  return field(
    3,
    Buffer.concat([
      field(15, 2),
      field(1, Buffer.from(name)),
      field(2, feature),
      field(3, Buffer.from(key)),
      field(4, field(1, Buffer.from(value))),
      field(5, SIDE),
    ]),
  );
}

/** Water everywhere, a highway through the middle: in the schema of Protomaps or of OpenMapTiles. */
export function vectorTile(schema) {
  const everywhere = [
    [0, 0],
    [SIDE, 0],
    [SIDE, SIDE],
    [0, SIDE],
  ];
  const across = [
    [0, SIDE / 2],
    [SIDE, SIDE / 2],
  ];
  const protomaps = schema === "protomaps";
  return Buffer.concat([
    layer("water", 3, everywhere, protomaps ? ["kind", "water"] : ["class", "lake"]),
    protomaps
      ? layer("roads", 2, across, ["kind", "highway"])
      : layer("transportation", 2, across, ["class", "motorway"]),
  ]);
}

const ZOOM = 10;

/** The tiles of this zoom around a position, as one archive. */
export function makeArchive({ lat, lon, tile, kind = "mvt", layers = [], attribution = "" }) {
  const across = 2 ** ZOOM;
  const x = Math.floor(((lon + 180) / 360) * across);
  const sine = Math.sin((lat * Math.PI) / 180);
  const y = Math.floor((0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * across);
  const ids = [-1, 0, 1].flatMap((right) => [-1, 0, 1].map((down) => zxyToTileId(ZOOM, x + right, y + down)));
  ids.sort((a, b) => a - b);
  const content = kind === "mvt" ? gzipSync(tile) : tile;
  const root = gzipSync(
    packed([
      ids.length,
      ...ids.map((id, at) => id - (ids[at - 1] ?? 0)),
      ...ids.map(() => 1),
      ...ids.map(() => content.length),
      // Every one at the beginning of the data; offsets are stored plus one.
      ...ids.map(() => 1),
    ]),
  );
  const said = gzipSync(JSON.stringify({ vector_layers: layers.map((id) => ({ id })), attribution }));
  const header = Buffer.alloc(127);
  header.write("PMTiles");
  header[7] = 3;
  const sections = [root, said, Buffer.alloc(0), content];
  let at = header.length;
  for (const [index, section] of sections.entries()) {
    header.writeBigUInt64LE(BigInt(at), 8 + 16 * index);
    header.writeBigUInt64LE(BigInt(section.length), 16 + 16 * index);
    at += section.length;
  }
  for (const [place, count] of [
    [72, ids.length],
    [80, ids.length],
    [88, 1],
  ])
    header.writeBigUInt64LE(BigInt(count), place);
  header[97] = 2;
  header[98] = kind === "mvt" ? 2 : 1;
  header[99] = { mvt: 1, png: 2 }[kind];
  header[100] = ZOOM;
  header[101] = ZOOM;
  const bounds = [lon - 0.5, lat - 0.5, lon + 0.5, lat + 0.5];
  for (const [index, degrees] of bounds.entries()) {
    header.writeInt32LE(Math.round(degrees * 1e7), 102 + 4 * index);
  }
  return {
    bytes: Buffer.concat([header, ...sections]),
    info: { kind, min_zoom: ZOOM, max_zoom: ZOOM, bounds },
  };
}
