/** The signs and patterns of the map, painted in the colours of the present theme. */
import { DOMAINS, type Domain } from "../data/map";
import { PATTERN_SIDE, PATTERNS } from "./risk-patterns";
import { SHAPES, SIGNS } from "./severity-shapes";

/** Colours from the style sheet, so that the map follows the theme. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The side of a sign in pixels of the screen, and how much finer it is drawn. */
const SIDE = 26;
export const FINE = 2;

function canvasOf(side: number): [HTMLCanvasElement, CanvasRenderingContext2D | null] {
  const canvas = document.createElement("canvas");
  canvas.width = side * FINE;
  canvas.height = side * FINE;
  return [canvas, canvas.getContext("2d")];
}

function paint(draw: (context: CanvasRenderingContext2D) => void): ImageData {
  const [canvas, context] = canvasOf(SIDE);
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
    context.fillStyle = colour(`--${key}-fill`);
    context.strokeStyle = colour("--surface");
    context.lineWidth = 2;
    context.fill(body);
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

/** A head and shoulders; only an outline where the place is the middle of the area. */
function workerSign(assumed: boolean): ImageData {
  return paint((context) => {
    const body = new Path2D("M12 2a4.500 4.500 0 1 1-.01 0zM3 22c0-6 4-9 9-9s9 3 9 9z");
    context.fillStyle = colour(assumed ? "--surface" : "--text");
    context.strokeStyle = colour(assumed ? "--text" : "--surface");
    context.lineWidth = 2;
    if (assumed) context.setLineDash([3, 2]);
    context.fill(body);
    context.stroke(body);
  });
}

function pattern(domain: Domain): ImageData {
  const [canvas, context] = canvasOf(PATTERN_SIDE);
  if (context === null) return new ImageData(canvas.width, canvas.height);
  context.scale(FINE, FINE);
  context.strokeStyle = colour(`--risk-${domain}`);
  context.lineWidth = 1.4;
  context.stroke(new Path2D(PATTERNS[domain]));
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Every image of the map with its name. */
export function images(): [string, ImageData][] {
  const signs: [string, ImageData][] = [
    ["calm", calmSign(false)],
    ["calm-silent", calmSign(true)],
    ["hazard", hazardSign()],
    ["worker", workerSign(false)],
    ["worker-assumed", workerSign(true)],
    ...DOMAINS.map((domain): [string, ImageData] => [`risk-${domain}`, pattern(domain)]),
  ];
  for (const severity of Object.keys(SHAPES) as Worst[]) {
    signs.push(
      [severity, severitySign(severity, false)],
      [`${severity}-silent`, severitySign(severity, true)],
    );
  }
  return signs;
}
