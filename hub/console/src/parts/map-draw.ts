/**
 * Draws the map with MapLibre GL: outlines, shapes and names on a blank ground, or on the hub's own map of
 * streets; not one request to anybody else. Loaded only when the map is shown. The build without `eval` and inline workers is used, so that
 * the content security policy needs no exception; characters are drawn from this computer's own fonts.
 */
import "maplibre-gl/dist/maplibre-gl.css";
import type { FeatureCollection } from "geojson";
import maplibre from "maplibre-gl/dist/maplibre-gl-csp";
import worker from "maplibre-gl/dist/maplibre-gl-csp-worker.js?url";
import { DOMAINS } from "../data/map";
import type { Box, Drawing, Target } from "../logic/map";
import type { Basemap } from "./basemap";
import { colour, FINE, images } from "./map-signs";

maplibre.setWorkerUrl(worker);

/** The name of the source of streets, as `basemap` uses it. */
const BASE = "streets";
/** Names at a desk; a wall has larger ones, and signs with them. */
export const TEXT_PX = 14;

type Style = import("maplibre-gl").StyleSpecification;

function byWorst(suffix: "fill" | "text", calm: string): maplibregl.ExpressionSpecification {
  const cases = (["p1", "p2", "p3", "p4"] as const).flatMap((key) => [
    key.toUpperCase(),
    colour(`--${key}-${suffix}`),
  ]);
  return ["match", ["get", "worst"], ...cases, calm] as unknown as maplibregl.ExpressionSpecification;
}

function byDomain(): maplibregl.ExpressionSpecification {
  const cases = DOMAINS.flatMap((domain) => [domain, colour(`--risk-${domain}`)]);
  const other = colour("--risk-other");
  return ["match", ["get", "domain"], ...cases, other] as unknown as maplibregl.ExpressionSpecification;
}

/** Ground with a known danger: a pattern and a broken edge over the grids, which show through, and its name. */
function riskLayers(): Style["layers"] {
  return [
    {
      id: "risks",
      type: "fill",
      source: "risks",
      paint: { "fill-pattern": ["concat", "risk-", ["get", "domain"]] },
    },
    {
      id: "risk-edges",
      type: "line",
      source: "risks",
      paint: { "line-color": byDomain(), "line-width": 2, "line-dasharray": [3, 2] },
    },
  ];
}

function riskNames(size: number): Style["layers"] {
  return [
    {
      id: "risk-names",
      type: "symbol",
      source: "risks",
      layout: {
        "text-field": ["get", "label"],
        "text-font": ["sans-serif"],
        "text-size": size - 1,
        "text-max-width": 12,
        // Where a sign has the middle, the name gives way and is not lost.
        "text-variable-anchor": ["center", "top", "bottom"],
        "text-radial-offset": 2.5,
      },
      paint: {
        "text-color": byDomain(),
        "text-halo-color": colour("--surface"),
        "text-halo-width": 2,
      },
    },
  ];
}

function styleOf(drawing: Drawing, base: Basemap | null, size: number): Style {
  return {
    version: 8,
    sources: {
      ...(base === null ? {} : { [BASE]: base.source }),
      risks: { type: "geojson", data: drawing.risks as FeatureCollection },
      grids: { type: "geojson", data: drawing.grids as FeatureCollection },
      points: { type: "geojson", data: drawing.points as FeatureCollection },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": colour("--surface-2") } },
      ...(base?.layers() ?? []),
      {
        id: "grids",
        type: "fill",
        source: "grids",
        paint: {
          "fill-color": byWorst("fill", colour("--surface-3")),
          // Calm grids leave the streets to be seen.
          "fill-opacity": ["match", ["get", "worst"], "none", base === null ? 0.5 : 0.12, 0.28],
        },
      },
      ...riskLayers(),
      {
        id: "edges",
        type: "line",
        source: "grids",
        paint: {
          "line-color": byWorst("text", colour("--line-control")),
          "line-width": ["match", ["get", "worst"], "P1", 4, "P2", 3, 1.5],
        },
      },
      ...riskNames(size),
      {
        id: "points",
        type: "symbol",
        source: "points",
        layout: {
          "icon-image": ["get", "sign"],
          "icon-allow-overlap": true,
          "icon-size": size / TEXT_PX,
          "symbol-sort-key": ["get", "over"],
          "text-field": ["get", "label"],
          "text-font": ["sans-serif"],
          "text-size": size,
          "text-anchor": "top",
          // People stand above their place: in the middle of a grid there is its own sign.
          "icon-offset": ["match", ["get", "kind"], "worker", ["literal", [0, -32]], ["literal", [0, 0]]],
          "text-offset": ["match", ["get", "kind"], "worker", ["literal", [0, -4.3]], ["literal", [0, 1.1]]],
          "text-optional": true,
          "text-max-width": 12,
        },
        paint: {
          "text-color": colour("--text"),
          "text-halo-color": colour("--surface"),
          "text-halo-width": 1.6,
        },
      },
    ],
  };
}

export interface DrawnMap {
  /** New data on the same map: nothing moves. */
  show: (drawing: Drawing) => void;
  goTo: (at: [number, number]) => void;
  /** Takes the colours of the present theme. */
  recolour: (drawing: Drawing) => void;
  end: () => void;
}

export interface Wanted {
  drawing: Drawing;
  box: Box | null;
  /** What the map is called, for readers. */
  label: string;
  base: Basemap | null;
  /** Size of names in pixels. */
  textPx: number;
  /** Called with what was pressed; null for a map that nobody touches. */
  pick: ((target: Target) => void) | null;
  /** The graphics card has lost what was drawn: the map has to be made anew. */
  lost: () => void;
}

const PADDING = 40;
/** Closer than this a map without streets shows nothing more. */
const ZOOM_MAX = 17;
/** Points come before the outlines that they lie in. */
const PRESSED = ["points", "risk-names", "grids"];

function pressable(map: maplibregl.Map, pick: (target: Target) => void): void {
  map.on("click", (event) => {
    const found = map.queryRenderedFeatures(event.point, { layers: PRESSED })[0];
    if (found === undefined) return;
    const { kind, id } = found.properties as { kind: Target["kind"]; id: string | number };
    pick({ kind, id: String(id) });
  });
  for (const layer of ["points", "grids"]) {
    map.on("mouseenter", layer, () => {
      map.getCanvas().classList.add("map-over");
    });
    map.on("mouseleave", layer, () => {
      map.getCanvas().classList.remove("map-over");
    });
  }
}

export function drawMap(container: HTMLElement, wanted: Wanted): DrawnMap {
  const { base, textPx, pick } = wanted;
  const map = new maplibre.Map({
    container,
    style: styleOf(wanted.drawing, base, textPx),
    attributionControl: false,
    interactive: pick !== null,
    maxZoom: ZOOM_MAX,
    // China as a whole, when nothing has a place yet.
    bounds: wanted.box ?? [73, 18, 135, 54],
    fitBoundsOptions: { padding: PADDING, maxZoom: 15 },
    localIdeographFontFamily: '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
    fadeDuration: 0,
    dragRotate: false,
    pitchWithRotate: false,
    locale: { "Map.Title": wanted.label },
  });
  map.touchZoomRotate.disableRotation();
  if (pick !== null) {
    map.addControl(new maplibre.ScaleControl({ unit: "metric" }));
    pressable(map, pick);
  }
  const addImages = () => {
    for (const [name, image] of images()) {
      if (map.hasImage(name)) map.removeImage(name);
      map.addImage(name, image, { pixelRatio: FINE });
    }
  };
  map.on("style.load", addImages);
  map.on("webglcontextlost", wanted.lost);
  map.on("idle", () => {
    container.dataset.drawn = String(Number(container.dataset.drawn ?? 0) + 1);
  });
  const set = (name: keyof Drawing, data: Drawing["grids"]) => {
    map.getSource<maplibregl.GeoJSONSource>(name)?.setData(data as FeatureCollection);
  };
  return {
    show: (next) => {
      set("grids", next.grids);
      set("points", next.points);
      set("risks", next.risks);
    },
    goTo: (at) => {
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const to = { center: at, zoom: Math.max(map.getZoom(), 14.5) };
      if (still) map.jumpTo(to);
      else map.easeTo({ ...to, duration: 400 });
    },
    recolour: (next) => {
      map.setStyle(styleOf(next, base, textPx), { diff: false });
    },
    end: () => map.remove(),
  };
}
