/**
 * Streets and houses below the outlines, out of the PMTiles archive that this hub serves: nothing is asked of
 * anybody else. Vector tiles are known in the schema of Protomaps (version 4) and of OpenMapTiles; anything
 * else of pictures is laid down as it is. Grey, so that colour stays with alarms. Loaded only with a map that
 * has such an archive.
 */
import maplibre, {
  type LayerSpecification,
  type SourceSpecification,
} from "maplibre-gl/dist/maplibre-gl-csp";
import { PMTiles, Protocol } from "pmtiles";
import { TILES_PATH, type TileInfo } from "../data/map";
import { colour } from "./map-signs";

export interface Basemap {
  source: SourceSpecification;
  /** Below everything; made anew when the theme changes. */
  layers: () => LayerSpecification[];
  /** Who made the data, as text. */
  attribution: string;
}

/** Layers of a schema by what they show: the layer's name, and which of its things. */
interface Schema {
  land: [string, string[]];
  green: [string, string[]][];
  water: string[];
  roads: [string, string[], string[]];
  names: [string, string];
  buildings: string;
  boundaries: string;
  places: string;
}

const PROTOMAPS: Schema = {
  land: ["earth", []],
  green: [["landuse", ["park", "forest", "wood", "grass", "nature_reserve", "cemetery", "golf_course"]]],
  water: ["water"],
  roads: ["roads", ["highway", "major_road"], ["minor_road", "other", "path"]],
  names: ["roads", "kind"],
  buildings: "buildings",
  boundaries: "boundaries",
  places: "places",
};

const OPENMAPTILES: Schema = {
  land: ["landuse", ["residential", "industrial", "commercial"]],
  green: [
    ["landcover", ["wood", "grass"]],
    ["park", []],
  ],
  water: ["water", "waterway"],
  roads: [
    "transportation",
    ["motorway", "trunk", "primary", "secondary"],
    ["tertiary", "minor", "service", "path", "track"],
  ],
  names: ["transportation_name", "class"],
  buildings: "building",
  boundaries: "boundary",
  places: "place",
};

const NAME: unknown = ["coalesce", ["get", "name:zh-Hans"], ["get", "name:zh"], ["get", "name"]];
/** The name of the source, as `map-draw` lays it down. */
const SOURCE = "streets";

type Filter = unknown[];

const kind = ["coalesce", ["get", "kind"], ["get", "class"], ""];
const among = (names: string[]): Filter | null =>
  names.length === 0 ? null : ["in", kind, ["literal", names]];
const ofType = (type: "Polygon" | "LineString", more: Filter | null): Filter => [
  "all",
  ["in", ["geometry-type"], ["literal", [type, `Multi${type}`]]],
  ...(more === null ? [] : [more]),
];

function fill(id: string, layer: string, tone: string, more: Filter | null): LayerSpecification {
  return {
    id,
    type: "fill",
    source: SOURCE,
    "source-layer": layer,
    filter: ofType("Polygon", more),
    paint: { "fill-color": colour(tone) },
  } as LayerSpecification;
}

function line(id: string, layer: string, tone: string, width: unknown, more: Filter | null) {
  return {
    id,
    type: "line",
    source: SOURCE,
    "source-layer": layer,
    filter: ofType("LineString", more),
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": colour(tone), "line-width": width },
  } as LayerSpecification;
}

function names(id: string, layer: string, size: number, along: boolean): LayerSpecification {
  return {
    id,
    type: "symbol",
    source: SOURCE,
    "source-layer": layer,
    layout: {
      "text-field": NAME,
      "text-font": ["sans-serif"],
      "text-size": size,
      ...(along ? { "symbol-placement": "line" } : {}),
    },
    paint: {
      "text-color": colour("--text-soft"),
      "text-halo-color": colour("--surface"),
      "text-halo-width": 1.4,
    },
  } as LayerSpecification;
}

/** Wider the closer one looks: pixels at zoom 10 and at 17. */
const growing = (far: number, near: number) => [
  "interpolate",
  ["exponential", 1.5],
  ["zoom"],
  10,
  far,
  17,
  near,
];

function vector(schema: Schema): LayerSpecification[] {
  const [roads, large, small] = schema.roads;
  return [
    fill("base-land", schema.land[0], "--map-land", among(schema.land[1])),
    ...schema.green.map(([layer, kinds]) => fill(`base-green-${layer}`, layer, "--map-green", among(kinds))),
    ...schema.water.flatMap((layer) => [
      fill(`base-water-${layer}`, layer, "--map-water", null),
      line(`base-stream-${layer}`, layer, "--map-water", growing(0.5, 6), null),
    ]),
    fill("base-buildings", schema.buildings, "--map-building", null),
    line("base-small-roads", roads, "--map-road", growing(0.3, 8), among(small)),
    line("base-large-roads", roads, "--map-road", growing(1.5, 18), among(large)),
    line("base-boundaries", schema.boundaries, "--line-control", 1, null),
    names("base-road-names", schema.names[0], 12, true),
    names("base-places", schema.places, 14, false),
  ];
}

function schemaOf(layers: ReadonlySet<string>): Schema | null {
  if (layers.has("transportation")) return OPENMAPTILES;
  if (layers.has("roads") || layers.has("earth")) return PROTOMAPS;
  return null;
}

/** What an archive says of itself; whoever wrote it, nothing of it is taken for more than text. */
interface Metadata {
  vector_layers?: { id?: unknown }[];
  attribution?: unknown;
}

/** Markup is left out: a link in it would lead away from this hub. */
const textOf = (attribution: unknown) =>
  typeof attribution === "string" ? attribution.replace(/<[^>]*>/g, "").slice(0, 200) : "";

let protocol: Protocol | null = null;

function register(archive: PMTiles): void {
  if (protocol === null) {
    protocol = new Protocol();
    maplibre.addProtocol("pmtiles", protocol.tile);
  }
  protocol.add(archive);
}

/** The map below; null when the archive's vector tiles are of a schema that is not known. */
export async function basemap(info: TileInfo): Promise<Basemap | null> {
  const url = new URL(TILES_PATH, location.href).href;
  const archive = new PMTiles(url);
  const said = (await archive.getMetadata()) as Metadata;
  register(archive);
  const common = {
    tiles: [`pmtiles://${url}/{z}/{x}/{y}`],
    minzoom: info.min_zoom,
    maxzoom: info.max_zoom,
    bounds: info.bounds,
  };
  const attribution = textOf(said.attribution);
  if (info.kind !== "mvt") {
    const layer: LayerSpecification = { id: "base-pictures", type: "raster", source: SOURCE };
    const source: SourceSpecification = { type: "raster", tileSize: 256, ...common };
    return { source, layers: () => [layer], attribution };
  }
  const ids = new Set((said.vector_layers ?? []).map((layer) => String(layer.id)));
  const schema = schemaOf(ids);
  if (schema === null) return null;
  return { source: { type: "vector", ...common }, layers: () => vector(schema), attribution };
}
