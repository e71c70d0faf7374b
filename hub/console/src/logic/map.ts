/** From what the hub says is where to what a map draws, and to the list beside it. Pure. */
import type { MapData } from "../data/map";
import type { CaseSummary, Severity, Text } from "../data/types";

export type Ring = [number, number][];
export type Outline =
  | { type: "Polygon"; coordinates: Ring[] }
  | { type: "MultiPolygon"; coordinates: Ring[][] };

export type Target = { kind: "grid" | "site" | "hazard"; id: string };

export interface Row extends Target {
  name: Text;
  worst: Severity | null;
  open: number;
  /** A site whose gateway is not heard. */
  silent: boolean;
  /** Longitude and latitude to go to; null when nobody has drawn it. */
  at: [number, number] | null;
}

export interface Feature {
  type: "Feature";
  geometry: Outline | { type: "Point"; coordinates: [number, number] };
  properties: Record<string, string | number>;
}

export interface Drawing {
  grids: { type: "FeatureCollection"; features: Feature[] };
  points: { type: "FeatureCollection"; features: Feature[] };
}

export type Box = [west: number, south: number, east: number, north: number];

function ringsOf(outline: Outline): Ring[] {
  return outline.type === "Polygon" ? outline.coordinates : outline.coordinates.flat();
}

function boxOf(points: Iterable<readonly [number, number]>): Box | null {
  let box: Box | null = null;
  for (const [lon, lat] of points) {
    if (!Number.isFinite(lon) || !Number.isFinite(lat)) continue;
    box =
      box === null
        ? [lon, lat, lon, lat]
        : [Math.min(box[0], lon), Math.min(box[1], lat), Math.max(box[2], lon), Math.max(box[3], lat)];
  }
  return box;
}

/** The middle of a box around the outline: good enough for a sign in it. */
function middle(outline: Outline): [number, number] | null {
  const box = boxOf(ringsOf(outline).flat());
  return box === null ? null : [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}

/** All that has a place, as one box; null when nothing has. */
export function extent(data: MapData): Box | null {
  return boxOf([
    ...data.grids.flatMap((grid) => (!grid.outline ? [] : ringsOf(grid.outline).flat())),
    ...data.sites.map((site): [number, number] => [site.lon, site.lat]),
    ...data.hazards.map((hazard): [number, number] => [hazard.lon, hazard.lat]),
  ]);
}

/** Everything as rows, worst and most first; what is calm comes last, by name. */
export function rowsOf(data: MapData, language: "zh" | "en"): Row[] {
  const rows: Row[] = [
    ...data.grids.map(
      (grid): Row => ({
        kind: "grid",
        id: grid.code,
        name: grid.name,
        worst: grid.worst ?? null,
        open: grid.open_cases,
        silent: false,
        at: !grid.outline ? null : middle(grid.outline),
      }),
    ),
    ...data.sites.map(
      (site): Row => ({
        kind: "site",
        id: site.id,
        name: site.name,
        worst: site.worst ?? null,
        open: site.open_cases,
        silent: site.gateway === "silent",
        at: [site.lon, site.lat],
      }),
    ),
    ...data.hazards.map(
      (hazard): Row => ({
        kind: "hazard",
        id: hazard.code,
        name: hazard.name,
        worst: null,
        open: 0,
        silent: false,
        at: [hazard.lon, hazard.lat],
      }),
    ),
  ];
  const rank = (row: Row) => (row.worst === null ? 9 : Number(row.worst.slice(1)));
  return rows.sort(
    (a, b) =>
      rank(a) - rank(b) || b.open - a.open || a.name[language].localeCompare(b.name[language], language),
  );
}

/** The sign of a point: the shape of its worst case, or what it is when it is calm. */
export function signOf(row: Pick<Row, "kind" | "worst" | "silent">): string {
  if (row.kind === "hazard") return "hazard";
  const sign = row.worst ?? (row.kind === "site" ? "calm" : "none");
  return row.silent ? `${sign}-silent` : sign;
}

/** What is drawn. Names go as text into the map's own text layer, never as markup. */
export function drawingOf(data: MapData, rows: readonly Row[], language: "zh" | "en"): Drawing {
  const outlines = data.grids.flatMap((grid): Feature[] =>
    !grid.outline
      ? []
      : [
          {
            type: "Feature",
            geometry: grid.outline,
            properties: { kind: "grid", id: grid.code, worst: grid.worst ?? "none" },
          },
        ],
  );
  const points = rows.flatMap((row): Feature[] =>
    row.at === null
      ? []
      : [
          {
            type: "Feature",
            geometry: { type: "Point", coordinates: row.at },
            properties: {
              kind: row.kind,
              id: row.id,
              sign: signOf(row),
              label: row.open > 0 ? `${row.name[language]} · ${row.open}` : row.name[language],
              // The worst is drawn last, over the others, and a site over its grid.
              over:
                (row.worst === null ? 0 : 10 - Number(row.worst.slice(1))) - (row.kind === "grid" ? 0.5 : 0),
            },
          },
        ],
  );
  return {
    grids: { type: "FeatureCollection", features: outlines },
    points: { type: "FeatureCollection", features: points },
  };
}

/** The open cases at a target, by the tree of areas or by the site. */
export function casesAt(target: Target, cases: Iterable<CaseSummary>): CaseSummary[] {
  const here = (found: CaseSummary) =>
    target.kind === "grid"
      ? found.site.id === target.id || found.area_path.some((area) => area.code === target.id)
      : found.site.id === target.id;
  return target.kind === "hazard" ? [] : [...cases].filter(here);
}
