/**
 * Draws the map with MapLibre GL on a blank ground: outlines, shapes and names, and not one request to
 * anybody. Loaded only when the map is shown. The build without `eval` and inline workers is used, so that
 * the content security policy needs no exception; characters are drawn from this computer's own fonts.
 */
import "maplibre-gl/dist/maplibre-gl.css";
import type { FeatureCollection } from "geojson";
import maplibre from "maplibre-gl/dist/maplibre-gl-csp";
import worker from "maplibre-gl/dist/maplibre-gl-csp-worker.js?url";
import type { Box, Drawing, Target } from "../logic/map";
import { SHAPES, SIGNS } from "./severity-shapes";

maplibre.setWorkerUrl(worker);

/** Colours from the style sheet, so that the map follows the theme. */
function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The side of a sign in pixels of the screen, and how much finer it is drawn. */
const SIDE = 26;
const FINE = 2;

function paint(draw: (context: CanvasRenderingContext2D) => void): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = SIDE * FINE;
  canvas.height = SIDE * FINE;
  const context = canvas.getContext("2d");
  if (context === null) return new ImageData(SIDE * FINE, SIDE * FINE);
  context.scale((SIDE * FINE) / 28, (SIDE * FINE) / 28);
  context.translate(2, 2);
  draw(context);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** A gateway that is not heard: the sign is crossed out, in shape and not only in colour. */
function cross(context: CanvasRenderingContext2D): void {
  const line = new Path2D("M1 23 23 1");
  context.strokeStyle = colour("--surface");
  context.lineWidth = 6;
  context.stroke(line);
  context.strokeStyle = colour("--text");
  context.lineWidth = 2.5;
  context.stroke(line);
}

type Worst = keyof typeof SHAPES;

function severitySign(severity: Worst, silent: boolean): ImageData {
  return paint((context) => {
    const key = severity.toLowerCase();
    const body = new Path2D(SHAPES[severity]);
    context.lineJoin = "round";
    context.strokeStyle = colour("--surface");
    context.lineWidth = 4;
    context.stroke(body);
    context.fillStyle = severity === "P4" ? colour("--surface") : colour(`--${key}-fill`);
    context.fill(body);
    context.strokeStyle = severity === "P3" ? colour("--p3-text") : colour(`--${key}-fill`);
    context.lineWidth = severity === "P4" ? 4 : 1.5;
    context.stroke(body);
    context.fillStyle = colour(`--${key}-on-fill`);
    for (const sign of SIGNS[severity]) context.fill(new Path2D(sign));
    if (silent) cross(context);
  });
}

function calmSign(silent: boolean): ImageData {
  return paint((context) => {
    context.fillStyle = colour("--text-soft");
    context.strokeStyle = colour("--surface");
    context.lineWidth = 2;
    context.fillRect(7, 7, 10, 10);
    context.strokeRect(7, 7, 10, 10);
    if (silent) cross(context);
  });
}

function hazardSign(): ImageData {
  return paint((context) => {
    context.strokeStyle = colour("--text");
    context.fillStyle = colour("--surface");
    context.lineWidth = 2;
    const post = new Path2D("M12 22V3M12 3h9l-3 4 3 4h-9z");
    context.fill(post);
    context.stroke(post);
  });
}

function images(): [string, ImageData][] {
  const signs: [string, ImageData][] = [
    ["calm", calmSign(false)],
    ["calm-silent", calmSign(true)],
    ["hazard", hazardSign()],
  ];
  for (const severity of Object.keys(SHAPES) as Worst[]) {
    signs.push(
      [severity, severitySign(severity, false)],
      [`${severity}-silent`, severitySign(severity, true)],
    );
  }
  return signs;
}

type Style = import("maplibre-gl").StyleSpecification;

function byWorst(suffix: "fill" | "text", calm: string): maplibregl.ExpressionSpecification {
  const cases = (["p1", "p2", "p3", "p4"] as const).flatMap((key) => [
    key.toUpperCase(),
    colour(`--${key}-${suffix}`),
  ]);
  return ["match", ["get", "worst"], ...cases, calm] as unknown as maplibregl.ExpressionSpecification;
}

function styleOf(drawing: Drawing): Style {
  return {
    version: 8,
    sources: {
      grids: { type: "geojson", data: drawing.grids as FeatureCollection },
      points: { type: "geojson", data: drawing.points as FeatureCollection },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": colour("--surface-2") } },
      {
        id: "grids",
        type: "fill",
        source: "grids",
        paint: {
          "fill-color": byWorst("fill", colour("--surface-3")),
          "fill-opacity": ["match", ["get", "worst"], "none", 0.5, 0.28],
        },
      },
      {
        id: "edges",
        type: "line",
        source: "grids",
        paint: {
          "line-color": byWorst("text", colour("--line-control")),
          "line-width": ["match", ["get", "worst"], "P1", 4, "P2", 3, 1.5],
        },
      },
      {
        id: "points",
        type: "symbol",
        source: "points",
        layout: {
          "icon-image": ["get", "sign"],
          "icon-allow-overlap": true,
          "symbol-sort-key": ["get", "over"],
          "text-field": ["get", "label"],
          "text-font": ["sans-serif"],
          "text-size": 14,
          "text-anchor": "top",
          "text-offset": [0, 1.1],
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

const PADDING = 40;
/** Closer than this a map without streets shows nothing more. */
const ZOOM_MAX = 17;

export function drawMap(
  container: HTMLElement,
  drawing: Drawing,
  box: Box | null,
  label: string,
  pick: (target: Target) => void,
): DrawnMap {
  const map = new maplibre.Map({
    container,
    style: styleOf(drawing),
    attributionControl: false,
    maxZoom: ZOOM_MAX,
    // China as a whole, when nothing has a place yet.
    bounds: box ?? [73, 18, 135, 54],
    fitBoundsOptions: { padding: PADDING, maxZoom: 15 },
    localIdeographFontFamily: '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
    fadeDuration: 0,
    dragRotate: false,
    pitchWithRotate: false,
    locale: { "Map.Title": label },
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibre.ScaleControl({ unit: "metric" }));
  const addImages = () => {
    for (const [name, image] of images()) {
      if (map.hasImage(name)) map.removeImage(name);
      map.addImage(name, image, { pixelRatio: FINE });
    }
  };
  map.on("style.load", addImages);
  map.on("idle", () => {
    container.dataset.drawn = String(Number(container.dataset.drawn ?? 0) + 1);
  });
  // Points come before the outlines that they lie in.
  map.on("click", (event) => {
    const found = map.queryRenderedFeatures(event.point, { layers: ["points", "grids"] })[0];
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
  const set = (name: "grids" | "points", data: Drawing["grids"]) => {
    map.getSource<maplibregl.GeoJSONSource>(name)?.setData(data as FeatureCollection);
  };
  return {
    show: (next) => {
      set("grids", next.grids);
      set("points", next.points);
    },
    goTo: (at) => {
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const to = { center: at, zoom: Math.max(map.getZoom(), 14.5) };
      if (still) map.jumpTo(to);
      else map.easeTo({ ...to, duration: 400 });
    },
    recolour: (next) => {
      map.setStyle(styleOf(next), { diff: false });
    },
    end: () => map.remove(),
  };
}
