/**
 * What is where: grids, sites and hazard points by their worst open case. The list beside the map has
 * everything that the map has, for the keyboard, for readers, and where a computer cannot draw a map.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { openCases } from "../data/cases";
import { type Contact, followMap, loadContacts, loadMap, type MapData, mapData, mapError } from "../data/map";
import { headline, inPlace, problemInWords, said, t } from "../i18n";
import { casesAt, drawingOf, extent, type Row, rowsOf, type Target } from "../logic/map";
import { byUrgency } from "../logic/order";
import { parameters, setParameters } from "../logic/route";
import { dark, language } from "../logic/settings";
import { Age } from "../parts/clock";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import type { DrawnMap } from "../parts/map-draw";
import { Said } from "../parts/said";
import { SeverityShape } from "../parts/severity";
import { useVirtual } from "../parts/virtual";

const keyOf = (target: Target) => `${target.kind}:${target.id}`;

/** What is chosen is in the address, so that a reload loses nothing. */
function chosen(): string | null {
  return parameters.value.get("at");
}

interface CanvasGiven {
  data: MapData;
  rows: Row[];
  at: [number, number] | null;
}

function Canvas({ data, rows, at }: CanvasGiven) {
  const words = t.value.map;
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnMap | null>(null);
  const state = useSignal<"loading" | "drawn" | "failed">("loading");
  const drawing = drawingOf(data, rows, language.value);
  const newest = useRef({ drawing, data });
  newest.current = { drawing, data };
  useEffect(() => {
    let current = true;
    const begin = async () => {
      try {
        const { drawMap } = await import("../parts/map-draw");
        if (!current || box.current === null) return;
        const now = newest.current;
        drawn.current = drawMap(box.current, now.drawing, extent(now.data), t.peek().map.title, (target) =>
          setParameters({ at: keyOf(target) }),
        );
        state.value = "drawn";
      } catch {
        // No WebGL, or the file did not come: the list has everything.
        state.value = "failed";
      }
    };
    void begin();
    return () => {
      current = false;
      drawn.current?.end();
      drawn.current = null;
    };
  }, [state]);
  const colours = dark.value;
  const before = useRef(colours);
  useEffect(() => {
    if (before.current === colours) drawn.current?.show(drawing);
    else drawn.current?.recolour(drawing);
    before.current = colours;
  }, [drawing, colours]);
  useEffect(() => {
    if (at !== null) drawn.current?.goTo(at);
  }, [at]);
  return (
    <div class="map-box">
      <div class="map-canvas" ref={box} data-state={state.value} />
      {state.value === "loading" && <p class="map-note">{t.value.loading}</p>}
      {state.value === "failed" && (
        <p class="map-note" role="status">
          {words.noMap}
        </p>
      )}
    </div>
  );
}

function Legend() {
  const words = t.value.map;
  return (
    <ul class="map-legend" aria-label={words.legend}>
      {(["P1", "P2", "P3", "P4"] as const).map((severity) => (
        <li key={severity}>
          <SeverityShape severity={severity} />
          {t.value.severity[severity]}
        </li>
      ))}
      <li>
        <svg class="shape" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
          <rect class="map-calm" x="7" y="7" width="10" height="10" />
        </svg>
        {words.calm}
      </li>
      <li>
        <Icon name="flag" />
        {words.hazard}
      </li>
    </ul>
  );
}

function RowButton({ row, current }: { row: Row; current: boolean }) {
  const words = t.value.map;
  return (
    <li class={current ? "map-row map-row-current" : "map-row"} data-target={keyOf(row)}>
      <button
        type="button"
        aria-expanded={current}
        onClick={() => setParameters({ at: current ? null : keyOf(row) })}
      >
        {row.worst !== null ? (
          <SeverityShape severity={row.worst} />
        ) : row.kind === "hazard" ? (
          <Icon name="flag" />
        ) : (
          <svg class="shape" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <rect class="map-calm" x="7" y="7" width="10" height="10" />
          </svg>
        )}
        <span class="map-row-name">
          <Said>{said(row.name) || row.id}</Said>
        </span>
        {row.silent && <span class="tag tag-warning">{words.silent}</span>}
        {row.at === null && <span class="tag">{words.notDrawn}</span>}
        <span class="map-row-kind">{words.kind[row.kind]}</span>
        {row.kind !== "hazard" && (
          <strong class="map-row-open">
            {row.worst !== null && <span class="visually-hidden">{t.value.severity[row.worst]} </span>}
            {words.open(row.open)}
          </strong>
        )}
      </button>
      {current && <Here row={row} />}
    </li>
  );
}

/** More than this are not read here; the board has them all. */
const CASES_MAX = 20;

function Contacts({ kind, place }: { kind: "site" | "hazard"; place: string }) {
  const words = t.value.map;
  const found = useSignal<Contact[] | null>(null);
  const failure = useSignal<string | null>(null);
  const ask = async () => {
    try {
      found.value = await loadContacts(kind, place);
      failure.value = null;
    } catch (error) {
      failure.value = words.contactsFailed + problemInWords(error);
    }
  };
  if (found.value === null) {
    return (
      <p>
        <button type="button" class="button button-small" onClick={() => void ask()}>
          {words.contacts}
        </button>{" "}
        {failure.value}
      </p>
    );
  }
  if (found.value.length === 0) return <p class="empty">{words.noContacts}</p>;
  return (
    <ol class="plain">
      {found.value.map((contact) => (
        <li key={`${contact.order}${contact.phone}`}>
          <Said>{contact.duty}</Said> <Said>{contact.name}</Said>{" "}
          <a href={`tel:${contact.phone.replace(/[^+\d]/g, "")}`}>
            <Said class="number">{contact.phone}</Said>
          </a>
        </li>
      ))}
    </ol>
  );
}

function Here({ row }: { row: Row }) {
  const words = t.value.map;
  const cases = casesAt(row, openCases.value.values()).sort(byUrgency);
  const hazard =
    row.kind === "hazard" ? mapData.value?.hazards.find((each) => each.code === row.id) : undefined;
  return (
    <div class="map-here">
      {hazard && (
        <p>
          <Said>{hazard.category}</Said>
        </p>
      )}
      {row.kind !== "grid" && <Contacts kind={row.kind} place={row.id} />}
      {row.kind !== "hazard" && cases.length === 0 && <p class="empty">{words.noCases}</p>}
      <ul class="map-cases">
        {cases.slice(0, CASES_MAX).map((found) => (
          <li key={found.id}>
            <SeverityShape severity={found.severity} />
            <span>
              <Link to={`/cases/${found.id}`}>
                <Said>{headline(found)}</Said>
              </Link>{" "}
              <Said>{inPlace(found.place)}</Said>
            </span>
            <Age since={found.opened_at} />
          </li>
        ))}
      </ul>
      {cases.length > CASES_MAX && <p>{words.more(cases.length - CASES_MAX)}</p>}
    </div>
  );
}

/** A row's height without its cases, in pixels. */
const ROW_PX = 45;

function List({ rows }: { rows: Row[] }) {
  const view = useVirtual(rows.length, ROW_PX);
  const current = chosen();
  useEffect(() => {
    if (current === null) return;
    const row = view.list.current?.querySelector(`[data-target="${CSS.escape(current)}"]`);
    row?.scrollIntoView({ block: "nearest" });
  }, [current, view.list]);
  return (
    <ul class="map-rows" ref={view.list}>
      {view.before}
      {rows.slice(view.from, view.to).map((row) => (
        <RowButton key={keyOf(row)} row={row} current={current === keyOf(row)} />
      ))}
      {view.after}
    </ul>
  );
}

export function MapPage() {
  const words = t.value.map;
  useEffect(() => followMap(), []);
  const rows = useComputed(() => (mapData.value === null ? [] : rowsOf(mapData.value, language.value)));
  const data = mapData.value;
  const current = chosen();
  const at = rows.value.find((row) => keyOf(row) === current)?.at ?? null;
  return (
    <main class="map-page" id="main">
      <h1 class="visually-hidden">{words.title}</h1>
      {data !== null && <Canvas data={data} rows={rows.value} at={at} />}
      <section class="map-list" aria-labelledby="map-list-heading">
        <header class="map-list-head">
          <h2 id="map-list-heading">{words.list}</h2>
          <Legend />
        </header>
        {mapError.value !== null && (
          <div class="note note-bad" role="alert">
            {words.failed}
            {problemInWords(mapError.value)}
            <button type="button" class="button button-small" onClick={() => void loadMap()}>
              {t.value.again}
            </button>
          </div>
        )}
        {data === null && mapError.value === null && <p class="note">{t.value.loading}</p>}
        {data !== null && rows.value.length === 0 && <p class="list-empty">{words.empty}</p>}
        <List rows={rows.value} />
      </section>
    </main>
  );
}
