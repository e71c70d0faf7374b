/**
 * The command centre's wall: today's figures in one look, legible from three metres. Nobody touches it: no
 * scrolling, no button; it comes back by itself after a lost line, a restart and a new version of the hub.
 */
import { useEffect } from "preact/hooks";
import { now } from "../data/clock";
import { linkLost, secondsSinceAlive } from "../data/live";
import { followMap, mapData } from "../data/map";
import { type CaseSummary, SEVERITIES, type Severity } from "../data/types";
import { followToday, isOutdated, type Rate, type Today, today, todayStale } from "../data/wall";
import { headline, inPlace, rateName, said, span, t } from "../i18n";
import { type Row, rowsOf } from "../logic/map";
import { language } from "../logic/settings";
import { dayAndTime, timeOfDay } from "../logic/time";
import { Age } from "../parts/clock";
import { MapCanvas } from "../parts/map-canvas";
import { Said } from "../parts/said";
import { SeverityShape } from "../parts/severity";

/** A new build is taken over within this time. */
const OUTDATED_EVERY_MS = 5 * 60_000;

function useSelfCare(): void {
  useEffect(() => followToday(), []);
  useEffect(() => {
    const timer = setInterval(async () => {
      if (await isOutdated()) location.reload();
    }, OUTDATED_EVERY_MS);
    // The screen must not go dark; where the browser cannot promise it, the computer's settings must.
    let lock: WakeLockSentinel | null = null;
    const stay = async () => {
      if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
      lock = await navigator.wakeLock.request("screen").catch(() => null);
    };
    void stay();
    document.addEventListener("visibilitychange", stay);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", stay);
      void lock?.release();
    };
  }, []);
}

function Level({ severity, count }: { severity: Severity; count: number }) {
  const name = count === 0 ? "wall-level wall-none" : `wall-level wall-level-${severity}`;
  return (
    <li class={name}>
      <span class="wall-level-name">
        <SeverityShape severity={severity} />
        {t.value.severity[severity]} {severity}
      </span>
      <strong class="wall-level-number">{count}</strong>
    </li>
  );
}

interface FigureGiven {
  name: string;
  value: number;
  tone?: "late" | "yellow" | "red";
}

function Figure({ name, value, tone }: FigureGiven) {
  return (
    <div class={tone && value > 0 ? `wall-figure wall-figure-${tone}` : "wall-figure"}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

const percent = (share: number) => `${(share * 100).toFixed(1)}%`;

/** The share against the one that is wanted: in words, in figures, and as a bar with a mark. */
function RateLine({ rate }: { rate: Rate }) {
  const words = t.value.wall;
  const value = rate.value ?? 0;
  const tone = typeof rate.met !== "boolean" ? "" : rate.met ? " wall-met" : " wall-missed";
  return (
    <li class={`wall-rate${tone}`}>
      <Said class="wall-rate-name">{rateName(rate.rate)}</Said>
      <strong class="wall-rate-value">{typeof rate.value === "number" ? percent(rate.value) : "–"}</strong>
      <svg
        class="wall-bar"
        viewBox="0 0 100 6"
        preserveAspectRatio="none"
        aria-hidden="true"
        focusable="false"
      >
        <rect class="wall-bar-track" width="100" height="6" />
        <rect class="wall-bar-fill" width={Math.max(0, Math.min(1, value)) * 100} height="6" />
        <rect class="wall-bar-target" x={Math.min(99.2, rate.target * 100)} width="0.8" height="6" />
      </svg>
      <span class="wall-rate-target">
        {(rate.at_most ? words.targetMost : words.target)(percent(rate.target))}
        {typeof rate.met === "boolean" && ` · ${rate.met ? words.met : words.missed}`}
      </span>
    </li>
  );
}

function Newest({ found }: { found: CaseSummary }) {
  const place = inPlace(found.place);
  return (
    <li class="wall-case">
      <SeverityShape severity={found.severity} />
      <span class="wall-case-what">
        <strong>
          <Said>{headline(found)}</Said>
        </strong>
        <span class="wall-case-where">
          {t.value.state[found.state]} · <Said>{said(found.site.name) || found.site.id}</Said>{" "}
          {place && <Said>{place}</Said>}
        </span>
      </span>
      <Age since={found.opened_at} />
    </li>
  );
}

/** So many places fit, when the computer cannot draw a map. */
const PLACES_MAX = 6;

/** Where no map can be drawn: the places with open cases, the worst first. */
function Places({ rows }: { rows: Row[] }) {
  const worst = rows.filter((row) => row.kind === "grid" && row.worst !== null).slice(0, PLACES_MAX);
  if (worst.length === 0) return <p>{t.value.wall.mapEmpty}</p>;
  return (
    <ul class="wall-places">
      {worst.map((row) => (
        <li key={row.id}>
          {row.worst !== null && <SeverityShape severity={row.worst} />}
          <Said>{said(row.name) || row.id}</Said>
          <strong>{t.value.map.open(row.open)}</strong>
        </li>
      ))}
    </ul>
  );
}

/** Names on the wall have 1.45 of a hundredth of its width, as all other text. */
const namePx = () => Math.round(Math.min(innerWidth / 100, innerHeight / 56.2) * 1.45);

/**
 * Grids and sites by their worst open case. People are left out: the wall is seen by whoever comes in. On a
 * phone there is no room for it and it is not loaded.
 */
function WallMap() {
  useEffect(() => followMap(false), []);
  const data = mapData.value;
  if (data === null) return <p class="wall-map-wait">{t.value.loading}</p>;
  const all = rowsOf(data, language.value, [], "none");
  const rows = all.filter((row) => row.kind === "grid" || row.worst !== null);
  return (
    <MapCanvas
      data={data}
      rows={rows}
      at={null}
      pick={null}
      fallback={<Places rows={rows} />}
      textPx={namePx()}
    />
  );
}

const WIDE = "(min-width: 641px)";

/** As many as are legible; those that are not met are never left out for those that are. */
const RATES_MAX = 5;

function shown(rates: readonly Rate[]): Rate[] {
  const rank = (rate: Rate) => (rate.met === false ? 0 : rate.met === true ? 1 : 2);
  const chosen = [...rates].sort((a, b) => rank(a) - rank(b)).slice(0, RATES_MAX);
  return rates.filter((rate) => chosen.includes(rate));
}

function Figures({ all }: { all: Today }) {
  const words = t.value.wall;
  return (
    <>
      <section class="wall-levels" aria-labelledby="wall-open">
        <h2 id="wall-open">{words.open}</h2>
        <ul>
          {SEVERITIES.map((severity) => (
            <Level key={severity} severity={severity} count={all.open_by_severity[severity]} />
          ))}
        </ul>
      </section>
      <dl class="wall-figures">
        <Figure name={words.opened} value={all.today.counts.reported} />
        <Figure name={words.closed} value={all.today.counts.closed} />
        <Figure name={words.overdue} value={all.overdue} tone="late" />
        <Figure name={words.yellow} value={all.yellow_cards} tone="yellow" />
        <Figure name={words.red} value={all.red_cards} tone="red" />
      </dl>
      <section class="wall-rates" aria-labelledby="wall-rates">
        <h2 id="wall-rates">{words.rates}</h2>
        <ul>
          {shown(all.rates).map((rate) => (
            <RateLine key={rate.rate} rate={rate} />
          ))}
        </ul>
      </section>
      {matchMedia(WIDE).matches && (
        <section class="wall-map" aria-labelledby="wall-map">
          <h2 id="wall-map">{words.map}</h2>
          <WallMap />
        </section>
      )}
      <section class="wall-newest" aria-labelledby="wall-newest">
        <h2 id="wall-newest">{words.newest}</h2>
        <ul>
          {all.newest.slice(0, 7).map((found) => (
            <Newest key={found.id} found={found} />
          ))}
        </ul>
      </section>
    </>
  );
}

/** The line's state has its own place: what the wall shows is never taken for newer than it is. */
function State({ at }: { at: string | null }) {
  const words = t.value.wall;
  const lost = linkLost.value || todayStale.value;
  const time = at === null ? "" : timeOfDay(Date.parse(at));
  return (
    <p
      class={lost ? "wall-state wall-state-lost" : "wall-state"}
      id="link-state"
      data-link={linkLost.value ? "lost" : "live"}
      data-stale={todayStale.value}
      role="status"
    >
      {lost ? words.lost(span(secondsSinceAlive.value * 1000), time) : words.live}
    </p>
  );
}

export function WallPage() {
  useSelfCare();
  const all = today.value;
  return (
    <main class="wall" id="main">
      <header class="wall-head">
        <h1>{t.value.wall.title}</h1>
        <State at={all?.made_at ?? null} />
        <time class="wall-time">{dayAndTime(now.value)}</time>
      </header>
      {all === null ? <p class="wall-wait">{t.value.loading}</p> : <Figures all={all} />}
    </main>
  );
}
