/** Rates day by day as lines; everything drawn is also there as a table. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { ReportRow } from "../data/supervision";
import { rateName, t } from "../i18n";
import { dark, language } from "../logic/settings";
import { lookOf } from "./chart-plots";

const RATES = ["acknowledged_in_time", "handled_in_time", "closed_in_time"] as const;
const HEIGHT = 240;
/** Dashes tell the lines apart without colour. */
const DASHES = [[], [8, 4], [2, 4]];

export const percent = (share: number | null | undefined) =>
  typeof share === "number" ? `${(share * 100).toFixed(1)}%` : "–";

function draw(box: HTMLElement, rows: readonly ReportRow[]): uPlot {
  const look = lookOf(box);
  const days = rows.map((row) => Date.parse(`${row.key}T00:00:00`) / 1000);
  const axis = { stroke: look.text, font: look.font, grid: { stroke: look.grid, width: 1 } };
  const plot = new uPlot(
    {
      width: Math.max(280, box.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_plot, low) => [Math.max(0, Math.floor((low ?? 0.5) * 10 - 0.5) / 10), 1] } },
      axes: [
        {
          ...axis,
          values: (_plot, at) =>
            at.map((s) =>
              new Date(s * 1000).toLocaleDateString(undefined, { month: "numeric", day: "numeric" }),
            ),
          incrs: [86_400, 2 * 86_400, 5 * 86_400, 10 * 86_400],
        },
        { ...axis, size: 60, values: (_plot, at) => at.map((share) => `${Math.round(share * 100)}%`) },
      ],
      series: [
        {},
        ...RATES.map((rate, index) => ({
          label: rateName(rate),
          stroke: look.lines[index] ?? look.text,
          width: 2,
          dash: DASHES[index] ?? [],
          spanGaps: true,
          points: { show: rows.length <= 31, size: 5 },
        })),
      ],
    },
    [days, ...RATES.map((rate) => rows.map((row) => row.rates[rate]))],
    box,
  );
  return plot;
}

export function Trend({ rows }: { rows: readonly ReportRow[] }) {
  const words = t.value.supervision;
  const box = useRef<HTMLDivElement>(null);
  const colours = dark.value;
  const tongue = language.value;
  useEffect(() => {
    const target = box.current;
    if (target === null || rows.length === 0) return undefined;
    const plot = draw(target, rows);
    const resize = () => plot.setSize({ width: Math.max(280, target.clientWidth), height: HEIGHT });
    window.addEventListener("resize", resize);
    return () => {
      window.removeEventListener("resize", resize);
      plot.destroy();
    };
  }, [rows, colours, tongue]);
  if (rows.length === 0) return <p class="empty">{words.noDays}</p>;
  return (
    <>
      <ul class="trend-legend">
        {RATES.map((rate, index) => (
          <li key={rate}>
            <svg viewBox="0 0 32 8" aria-hidden="true" focusable="false">
              <path class={`trend-line trend-line-${index + 1}`} d="M0 4h32" />
            </svg>
            {rateName(rate)}
          </li>
        ))}
      </ul>
      <div class="trend" ref={box} role="img" aria-label={words.trend} />
      <details>
        <summary>{t.value.case.chartTable}</summary>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{words.day}</th>
              {RATES.map((rate) => (
                <th key={rate} scope="col">
                  {rateName(rate)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key}>
                <th scope="row">{row.key}</th>
                {RATES.map((rate) => (
                  <td key={rate}>{percent(row.rates[rate])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}
