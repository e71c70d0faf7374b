/**
 * The readings around a case: one panel per unit, one lane per state, marks where alerts began and
 * ended, and the values under a shared cursor. Everything drawn is also there as a table.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { hubNow } from "../data/clock";
import type { CaseSeries, Series } from "../data/types";
import { kindName, said, t, valueInWords } from "../i18n";
import { isLane, type Lane, lanes, type Panel, panels, valueAt } from "../logic/chart";
import { dark } from "../logic/settings";
import { dayAndTime, timeOfDay } from "../logic/time";
import { Said } from "./said";

/** The colours of the lines: told apart in light and dark, and not among the severities'. */
const LINE_COLOURS = 6;
const PANEL_HEIGHT = 168;
const LANE_HEIGHT = 30;
const AXIS_HEIGHT = 34;
const AXIS_WIDTH = 58;

interface Mark {
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

function lookOf(element: Element): Look {
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

function drawLanes(plot: uPlot, drawn: readonly Lane[], look: Look): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const height = bbox.height / drawn.length;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${12 * ratio}px ${look.font.slice(5)}`;
  ctx.textBaseline = "middle";
  for (const [index, lane] of drawn.entries()) {
    const top = bbox.top + index * height;
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

interface Frame {
  fromMs: number;
  toMs: number;
  width: number;
  marks: readonly Mark[];
  look: Look;
  follow: (atMs: number | null) => void;
}

function axes(look: Look, unit: string | null): uPlot.Axis[] {
  const base = { stroke: look.text, font: look.font, ticks: { stroke: look.grid, width: 1, size: 4 } };
  return [
    {
      ...base,
      grid: { stroke: look.grid, width: 1 },
      size: AXIS_HEIGHT,
      space: 90,
      values: (_plot, splits) =>
        splits.map((second) => timeOfDay(second * 1000).slice(0, second % 60 === 0 ? 5 : 8)),
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
  top: boolean,
): uPlot.Options {
  return {
    width: frame.width,
    height,
    padding: [top ? 20 : 8, 12, 0, 0],
    legend: { show: false },
    axes: axes(frame.look, unit),
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

function panelPlot(frame: Frame, panel: Panel, firstColour: number, top: boolean, into: HTMLElement): uPlot {
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
  const given = options(frame, PANEL_HEIGHT + (top ? 12 : 0), panel.unit, series, top);
  given.hooks = { ...given.hooks, draw: [(plot) => drawMarks(plot, frame.marks, frame.look, top)] };
  return new uPlot(given, [panel.ts, ...panel.values] as uPlot.AlignedData, into);
}

function lanePlot(frame: Frame, drawn: readonly Lane[], top: boolean, into: HTMLElement): uPlot {
  const height = drawn.length * LANE_HEIGHT + AXIS_HEIGHT + (top ? 20 : 8);
  const given = options(frame, height, null, [{ show: false }], top);
  const draw = (plot: uPlot) => {
    drawLanes(plot, drawn, frame.look);
    drawMarks(plot, frame.marks, frame.look, top);
  };
  given.hooks = { ...given.hooks, draw: [draw] };
  // The cursor moves between data points: the lanes need some to move over.
  const steps = 300;
  const xs = Array.from(
    { length: steps + 1 },
    (_, i) => (frame.fromMs + ((frame.toMs - frame.fromMs) * i) / steps) / 1000,
  );
  return new uPlot(given, [xs, xs.map(() => null)] as uPlot.AlignedData, into);
}

function Name({ series }: { series: Series }) {
  return (
    <>
      <span>{kindName(series.kind)}</span> <Said class="chart-device">{series.device}</Said>
    </>
  );
}

interface Legend {
  series: Series;
  colour: number | null;
}

function Readout({ legend, atMs }: { legend: Legend[]; atMs: number }) {
  return (
    <ul class="readout">
      {legend.map(({ series, colour }) => {
        const value = valueAt(series, atMs);
        return (
          <li key={`${series.device}|${series.kind}`}>
            <span
              class={
                colour === null ? "readout-mark readout-lane" : `readout-mark chart-colour-${colour + 1}`
              }
            />
            <Name series={series} />
            <strong>
              {value === null ? "–" : valueInWords(series.kind, value, series.unit, isLane(series))}
            </strong>
          </li>
        );
      })}
    </ul>
  );
}

const TABLE_MAX = 200;

function Table({ data }: { data: CaseSeries }) {
  const rows = data.series
    .flatMap((series) => series.points.map(([ms, value]) => ({ ms, series, value })))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, TABLE_MAX);
  return (
    <details class="chart-table">
      <summary>{t.value.case.chartTable}</summary>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t.value.case.chartAt}</th>
            <th scope="col">{t.value.devices.device}</th>
            <th scope="col">{t.value.devices.lastReading}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ ms, series, value }) => (
            <tr key={`${ms}|${series.device}|${series.kind}`}>
              <td>{dayAndTime(ms)}</td>
              <td>
                <Name series={series} />
              </td>
              <td>
                <Said>{valueInWords(series.kind, value, series.unit, isLane(series))}</Said>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

export function Chart({ data }: { data: CaseSeries }) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot[]>([]);
  const width = useSignal(0);
  const cursorMs = useSignal<number | null>(null);
  const fromMs = Date.parse(data.from);
  const toMs = Math.max(Date.parse(data.to), fromMs + 1000);
  const lines = useMemo(() => panels(data.series), [data]);
  const states = useMemo(() => lanes(data.series, Math.min(toMs, hubNow())), [data, toMs]);
  const marks = data.marks.map((mark) => ({ atMs: Date.parse(mark.at), text: said(mark.label) }));
  const legend: Legend[] = [
    ...lines
      .flatMap((panel) => panel.lines)
      .map((series, index) => ({ series, colour: index % LINE_COLOURS })),
    ...states.map((lane) => ({ series: lane.series, colour: null })),
  ];

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const watch = new ResizeObserver(([entry]) => {
      width.value = Math.floor(entry?.contentRect.width ?? 0);
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, [width]);

  const markKey = marks.map((mark) => `${mark.atMs}${mark.text}`).join("|");
  useEffect(() => {
    const element = box.current;
    if (element === null || width.value < 50) return undefined;
    const follow = (atMs: number | null) => {
      cursorMs.value = atMs;
    };
    const frame: Frame = { fromMs, toMs, width: width.value, marks, look: lookOf(element), follow };
    const plots: uPlot[] = [];
    let colour = 0;
    for (const panel of lines) {
      plots.push(panelPlot(frame, panel, colour, plots.length === 0, element));
      colour += panel.lines.length;
    }
    if (states.length > 0) plots.push(lanePlot(frame, states, plots.length === 0, element));
    drawn.current = plots;
    return () => {
      for (const plot of plots) plot.destroy();
      drawn.current = [];
    };
  }, [lines, states, markKey, width.value, dark.value, fromMs, toMs]);

  if (legend.length === 0) return <p class="empty">{t.value.case.chartEmpty}</p>;
  const shownMs = cursorMs.value ?? Math.min(toMs, hubNow());
  const move = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const step = ((toMs - fromMs) / 60) * (event.key === "ArrowLeft" ? -1 : 1);
    const atS = Math.max(fromMs, Math.min(toMs, shownMs + step)) / 1000;
    // The other panels follow the first one.
    const first = drawn.current[0];
    first?.setCursor({ left: first.valToPos(atS, "x"), top: 1 });
  };
  return (
    <div class="chart">
      <div class="readout-head">
        <span class="readout-time">{timeOfDay(shownMs)}</span>
        {lines.length > 0 && (
          <span class="readout-units">{lines.map((panel) => panel.unit || "–").join(" · ")}</span>
        )}
      </div>
      <Readout legend={legend} atMs={shownMs} />
      <div
        class="chart-box"
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={t.value.case.chart}
        aria-valuemin={fromMs}
        aria-valuemax={toMs}
        aria-valuenow={Math.round(shownMs)}
        aria-valuetext={timeOfDay(shownMs)}
        title={t.value.case.chartHint}
        onKeyDown={move}
      />
      <Table data={data} />
    </div>
  );
}
