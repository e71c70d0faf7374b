/** From what the hub says is where to what a map draws, and to the list beside it. Pure. */
import type { Domain, MapData, MapWorker } from "../data/map";
import type { CaseSummary, Severity, Text } from "../data/types";

export type Ring = [number, number][];
export type Outline =
  | { type: "Polygon"; coordinates: Ring[] }
  | { type: "MultiPolygon"; coordinates: Ring[][] };

export type Target = { kind: "grid" | "site" | "hazard" | "worker" | "risk"; id: string };

export interface Row extends Target {
  name: Text;
  worst: Severity | null;
  open: number;
  /** A site whose gateway is not heard. */
  silent: boolean;
  /** Longitude and latitude to go to; null when nobody has drawn it. */
  at: [number, number] | null;
  /** What a hazard point or a risk area threatens with. */
  domain?: Domain;
  /** A worker's place is the middle of their area, not one that they reported. */
  assumed?: boolean;
}

export interface Feature {
  type: "Feature";
  geometry: Outline | { type: "Point"; coordinates: [number, number] };
  properties: Record<string, string | number>;
}

export interface Drawing {
  grids: { type: "FeatureCollection"; features: Feature[] };
  points: { type: "FeatureCollection"; features: Feature[] };
  risks: { type: "FeatureCollection"; features: Feature[] };
}

/** Which risk areas and hazard points are shown. */
export type Chosen = Domain | "all" | "none";

const shows = (chosen: Chosen, domain: Domain) => chosen === "all" || chosen === domain;

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
    ...data.risk_areas.flatMap((risk) => (!risk.outline ? [] : ringsOf(risk.outline).flat())),
  ]);
}

/** A person with the most urgent of their tasks; their position as they reported it, or their area's middle. */
function workerRow(worker: MapWorker): Row {
  const [first] = worker.tasks;
  return {
    kind: "worker",
    id: worker.username,
    name: { zh: worker.display_name, en: worker.display_name },
    worst: first?.severity ?? null,
    open: worker.tasks_total,
    silent: false,
    at: worker.place ? [worker.place.lon, worker.place.lat] : null,
    assumed: worker.place?.reported_at == null,
  };
}

/** Everything as rows, worst and most first; what is calm comes last, by name. */
export function rowsOf(
  data: MapData,
  language: "zh" | "en",
  workers: readonly MapWorker[] = [],
  chosen: Chosen = "all",
): Row[] {
  const rows: Row[] = [
    ...workers.map(workerRow),
    ...data.risk_areas
      .filter((risk) => shows(chosen, risk.domain))
      .map(
        (risk): Row => ({
          kind: "risk",
          id: risk.code,
          name: risk.name,
          worst: null,
          open: 0,
          silent: false,
          at: !risk.outline ? null : middle(risk.outline),
          domain: risk.domain,
        }),
      ),
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
    ...data.hazards
      .filter((hazard) => shows(chosen, hazard.domain))
      .map(
        (hazard): Row => ({
          domain: hazard.domain,
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
  // People come after the places with open cases and before what is calm.
  const rank = (row: Row) =>
    row.kind === "worker" ? 8 : row.worst === null ? 9 : Number(row.worst.slice(1));
  return rows.sort(
    (a, b) =>
      rank(a) - rank(b) || b.open - a.open || a.name[language].localeCompare(b.name[language], language),
  );
}

/** The sign of a point: the shape of its worst case, or what it is when it is calm. */
export function signOf(row: Pick<Row, "kind" | "worst" | "silent" | "assumed">): string {
  if (row.kind === "hazard") return "hazard";
  if (row.kind === "worker") return row.assumed ? "worker-assumed" : "worker";
  const sign = row.worst ?? (row.kind === "site" ? "calm" : "none");
  return row.silent ? `${sign}-silent` : sign;
}

/** Names of domains as they stand on the map; an empty name leaves it out. */
export type DomainNames = (domain: Domain) => string;

/** What is drawn. Names go as text into the map's own text layer, never as markup. */
export function drawingOf(
  data: MapData,
  rows: readonly Row[],
  language: "zh" | "en",
  domainName: DomainNames = () => "",
): Drawing {
  const drawn = new Set(rows.flatMap((row) => (row.kind === "risk" ? [row.id] : [])));
  const risks = data.risk_areas.flatMap((risk): Feature[] =>
    !risk.outline || !drawn.has(risk.code)
      ? []
      : [
          {
            type: "Feature",
            geometry: risk.outline,
            properties: {
              kind: "risk",
              id: risk.code,
              domain: risk.domain,
              label: `${domainName(risk.domain)}\n${risk.name[language]}`,
            },
          },
        ],
  );
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
    row.at === null || row.kind === "risk"
      ? []
      : [
          {
            type: "Feature",
            geometry: { type: "Point", coordinates: row.at },
            properties: {
              kind: row.kind,
              id: row.id,
              sign: signOf(row),
              label: labelOf(row, language, domainName),
              // The worst is drawn last, over the others, and a site over its grid.
              over:
                (row.worst === null || row.kind === "worker" ? 0 : 10 - Number(row.worst.slice(1))) -
                (row.kind === "grid" ? 0.5 : 0),
            },
          },
        ],
  );
  return {
    grids: { type: "FeatureCollection", features: outlines },
    points: { type: "FeatureCollection", features: points },
    risks: { type: "FeatureCollection", features: risks },
  };
}

function labelOf(row: Row, language: "zh" | "en", domainName: DomainNames): string {
  const name = row.name[language];
  const domain = row.domain === undefined ? "" : domainName(row.domain);
  if (domain !== "") return `${name} · ${domain}`;
  return row.open > 0 ? `${name} · ${row.open}` : name;
}

/** The open cases at a target, by the tree of areas or by the site. */
export function casesAt(target: Target, cases: Iterable<CaseSummary>): CaseSummary[] {
  const here = (found: CaseSummary) =>
    target.kind === "grid"
      ? found.site.id === target.id || found.area_path.some((area) => area.code === target.id)
      : found.site.id === target.id;
  return target.kind === "grid" || target.kind === "site" ? [...cases].filter(here) : [];
}
