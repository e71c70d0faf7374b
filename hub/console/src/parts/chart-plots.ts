/**
 * Draws the panels and lanes of a case's readings with uPlot, on canvas. Device texts go into canvas text
 * only; nothing here builds markup.
 */
import uPlot from "uplot";
import { kindName, valueInWords } from "../i18n";
import type { Lane, Panel } from "../logic/chart";
import { levelled } from "../logic/marks";
import { timeOfDay } from "../logic/time";

/** The colours of the lines: told apart in light and dark, and not among the severities'. */
export const LINE_COLOURS = 6;
const PANEL_HEIGHT = 168;
const LANE_HEIGHT = 30;
const AXIS_HEIGHT = 34;
const AXIS_WIDTH = 72;
const TOP = 22;

export interface Mark {
  atMs: number;
  text: string;
}

interface Look {
  text: string;
  grid: string;
  mark: string;
  lane: string;
  laneOn: string;
  laneText: string;
  lines: string[];
  font: string;
}

export function lookOf(element: Element): Look {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: colour("--text-soft"),
    grid: colour("--line-soft"),
    mark: colour("--p1-text"),
    lane: colour("--surface-3"),
    laneOn: colour("--lane-on"),
    laneText: colour("--text"),
    lines: Array.from({ length: LINE_COLOURS }, (_, index) => colour(`--chart-${index + 1}`)),
    font: `12px ${style.fontFamily}`,
  };
}

function drawMarks(plot: uPlot, marks: readonly Mark[], look: Look, labels: boolean): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = look.mark;
  ctx.fillStyle = look.mark;
  ctx.lineWidth = 1.5 * ratio;
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  ctx.font = `${11 * ratio}px ${look.font.slice(5)}`;
  let free = Number.NEGATIVE_INFINITY;
  for (const mark of marks) {
    const x = plot.valToPos(mark.atMs / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const width = ctx.measureText(mark.text).width;
    if (!labels || x < free) continue;
    const right = x + 5 * ratio + width > bbox.left + bbox.width;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(mark.text, right ? x - 5 * ratio : x + 5 * ratio, bbox.top - 5 * ratio);
    free = right ? x : x + width + 14 * ratio;
  }
  ctx.restore();
}

/** The name of a lane in the place of the axis, cut to fit. */
function drawLaneName(plot: uPlot, name: string, middle: number, look: Look): void {
  const { ctx, bbox } = plot;
  const room = bbox.left - 14 * devicePixelRatio;
  let shown = name;
  while (shown.length > 1 && ctx.measureText(shown).width > room) shown = `${shown.slice(0, -2)}…`;
  ctx.fillStyle = look.text;
  ctx.textAlign = "right";
  ctx.fillText(shown, bbox.left - 8 * devicePixelRatio, middle);
}

function drawLanes(plot: uPlot, drawn: readonly Lane[], look: Look): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const height = bbox.height / drawn.length;
  ctx.save();
  ctx.font = `${12 * ratio}px ${look.font.slice(5)}`;
  ctx.textBaseline = "middle";
  for (const [index, lane] of drawn.entries()) {
    const top = bbox.top + index * height;
    drawLaneName(plot, kindName(lane.series.kind), top + height / 2, look);
    ctx.textAlign = "left";
    for (const stretch of lane.stretches) {
      const from = Math.max(bbox.left, plot.valToPos(stretch.fromMs / 1000, "x", true));
      const to = Math.min(bbox.left + bbox.width, plot.valToPos(stretch.toMs / 1000, "x", true));
      if (to <= from) continue;
      ctx.fillStyle = stretch.active ? look.laneOn : look.lane;
      const inset = stretch.active ? 4 : 11;
      ctx.fillRect(from, top + inset * ratio, Math.max(2 * ratio, to - from), height - 2 * inset * ratio);
      const words = valueInWords(lane.series.kind, stretch.value, null, true);
      if (!stretch.active || ctx.measureText(words).width + 12 * ratio > to - from) continue;
      ctx.fillStyle = look.laneText;
      ctx.fillText(words, from + 6 * ratio, top + height / 2);
    }
  }
  ctx.restore();
}

export interface Frame {
  fromMs: number;
  toMs: number;
  width: number;
  marks: readonly Mark[];
  look: Look;
  follow: (atMs: number | null) => void;
}

function axes(look: Look, unit: string | null, last: boolean): uPlot.Axis[] {
  const base = { stroke: look.text, font: look.font, ticks: { stroke: look.grid, width: 1, size: 4 } };
  return [
    {
      ...base,
      grid: { stroke: look.grid, width: 1 },
      size: last ? AXIS_HEIGHT : 8,
      space: 90,
      values: (_plot, splits) =>
        splits.map((second) => (last ? timeOfDay(second * 1000).slice(0, second % 60 === 0 ? 5 : 8) : "")),
    },
    {
      ...base,
      show: true,
      size: AXIS_WIDTH,
      space: 32,
      grid: unit === null ? { show: false } : { stroke: look.grid, width: 1 },
      ticks: unit === null ? { show: false } : base.ticks,
      values:
        unit === null
          ? () => []
          : (_plot, splits) => splits.map((value) => String(Number(value.toPrecision(5)))),
    },
  ];
}

function options(
  frame: Frame,
  height: number,
  unit: string | null,
  series: uPlot.Series[],
  last: boolean,
): uPlot.Options {
  return {
    width: frame.width,
    height,
    padding: [TOP, 12, 0, 0],
    legend: { show: false },
    axes: axes(frame.look, unit, last),
    scales: {
      x: { time: true, range: [frame.fromMs / 1000, frame.toMs / 1000] },
      y: unit === null ? { range: [0, 1] } : { range: { min: { pad: 0.15 }, max: { pad: 0.15 } } },
    },
    cursor: {
      sync: { key: "case-chart", setSeries: false },
      drag: { x: false, y: false },
      y: false,
      points: { size: 7 },
    },
    series: [{}, ...series],
    hooks: {
      setCursor: [
        (plot) => {
          const left = plot.cursor.left ?? -1;
          frame.follow(left < 0 ? null : plot.posToVal(left, "x") * 1000);
        },
      ],
    },
  };
}

/** A unit longer than this is none; the words beside the chart have it whole. */
const UNIT_LETTERS = 12;

/** A unit as it fits over its axis. */
function shortUnit(unit: string): string {
  const letters = [...levelled(unit)];
  return letters.length > UNIT_LETTERS ? `${letters.slice(0, UNIT_LETTERS).join("")}…` : letters.join("");
}

/** The unit over its axis: the axis alone does not say what it counts. */
function drawUnit(plot: uPlot, unit: string, look: Look): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `600 ${12 * ratio}px ${look.font.slice(5)}`;
  ctx.fillStyle = look.text;
  ctx.textAlign = "right";
  ctx.textBaseline = "alphabetic";
  ctx.fillText(shortUnit(unit), bbox.left - 6 * ratio, bbox.top - 7 * ratio);
  ctx.restore();
}

/** One panel: the lines of one unit. `first` has the words of the marks, `last` those of the time. */
function panelPlot(frame: Frame, panel: Panel, firstColour: number, ends: Ends, into: HTMLElement): uPlot {
  const series = panel.lines.map((line, index): uPlot.Series => {
    const colour = frame.look.lines[(firstColour + index) % LINE_COLOURS] ?? frame.look.text;
    return {
      label: line.device,
      stroke: colour,
      width: 2,
      spanGaps: true,
      points: { size: 4, fill: colour },
    };
  });
  const height = PANEL_HEIGHT + (ends.last ? AXIS_HEIGHT : 0);
  const given = options(frame, height, panel.unit, series, ends.last);
  const draw = (plot: uPlot) => {
    drawUnit(plot, panel.unit, frame.look);
    drawMarks(plot, frame.marks, frame.look, ends.first);
  };
  given.hooks = { ...given.hooks, draw: [draw] };
  return new uPlot(given, [panel.ts, ...panel.values] as uPlot.AlignedData, into);
}

/** The lanes have no data points of their own to stop at: the cursor gets this many. */
const CURSOR_STEPS = 300;

function lanePlot(frame: Frame, drawn: readonly Lane[], ends: Ends, into: HTMLElement): uPlot {
  const height = drawn.length * LANE_HEIGHT + AXIS_HEIGHT + TOP;
  const given = options(frame, height, null, [{ show: false }], ends.last);
  const draw = (plot: uPlot) => {
    drawLanes(plot, drawn, frame.look);
    drawMarks(plot, frame.marks, frame.look, ends.first);
  };
  given.hooks = { ...given.hooks, draw: [draw] };
  const step = (frame.toMs - frame.fromMs) / CURSOR_STEPS;
  const xs = Array.from({ length: CURSOR_STEPS + 1 }, (_, index) => (frame.fromMs + step * index) / 1000);
  return new uPlot(given, [xs, xs.map(() => null)] as uPlot.AlignedData, into);
}

interface Ends {
  first: boolean;
  last: boolean;
}

/** Draws all panels, then the lanes, one under the other; the caller destroys what it gets. */
export function draw(
  frame: Frame,
  lines: readonly Panel[],
  states: readonly Lane[],
  into: HTMLElement,
): uPlot[] {
  const plots: uPlot[] = [];
  let colour = 0;
  for (const [index, panel] of lines.entries()) {
    const last = states.length === 0 && index === lines.length - 1;
    plots.push(panelPlot(frame, panel, colour, { first: index === 0, last }, into));
    colour += panel.lines.length;
  }
  if (states.length > 0) plots.push(lanePlot(frame, states, { first: lines.length === 0, last: true }, into));
  return plots;
}
