/**
 * The readings around a case: one panel per unit, one lane per state, marks where alerts began and
 * ended, and the values under a shared cursor. Everything drawn is also there as a table.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { hubNow } from "../data/clock";
import type { CaseSeries, Series } from "../data/types";
import { kindName, said, t, valueInWords } from "../i18n";
import { isLane, lanes, panels, valueAt } from "../logic/chart";
import { dark } from "../logic/settings";
import { dayAndTime, timeOfDay } from "../logic/time";
import { draw, type Frame, LINE_COLOURS, lookOf } from "./chart-plots";
import { Said } from "./said";

function Name({ series }: { series: Series }) {
  return (
    <>
      <Said>{kindName(series.kind)}</Said> <Said class="chart-device">{series.device}</Said>
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
              {value === null ? (
                "–"
              ) : (
                <Said>{valueInWords(series.kind, value, series.unit, isLane(series))}</Said>
              )}
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
    const plots = draw(frame, lines, states, element);
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
